import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { DOC_TABLES } from '../fixtures/doc-tables.ts';

describe('documentation', () => {
  it.each(Object.entries(DOC_TABLES))('%s has the tables of the code', async (file, tables) => {
    const text = await readFile(new URL(`../../${file}`, import.meta.url), 'utf8');
    for (const table of tables) expect(text).toContain(table);
  });
});

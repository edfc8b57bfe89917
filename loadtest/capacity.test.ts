import fc from 'fast-check';
import { expect, it } from 'vitest';
import { largestMeeting, MOST_STREAMS, trialsLeft } from './capacity.ts';

async function search(capacity: number) {
  const tried: number[] = [];
  const left: (number | undefined)[] = [];
  const found = await largestMeeting(
    async (streams) => {
      tried.push(streams);
      return streams <= capacity;
    },
    (bracket) => left.push(trialsLeft(bracket)),
  );
  return { found, tried, left };
}

it('finds the capacity of any server, and tries no number twice', async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 0, max: MOST_STREAMS + 5 }), async (capacity) => {
      const { found, tried } = await search(capacity);
      expect(found).toBe(Math.min(capacity, MOST_STREAMS));
      expect(new Set(tried).size).toBe(tried.length);
      expect(tried.length).toBeLessThanOrEqual(2 * Math.ceil(Math.log2(Math.max(2, capacity))) + 2);
    }),
  );
});

it('doubles, then halves the gap', async () => {
  expect((await search(11)).tried).toEqual([1, 2, 4, 8, 16, 12, 10, 11]);
  expect((await search(0)).tried).toEqual([1]);
});

it('knows how many trials are left once the gap is known', async () => {
  const { left } = await search(11);
  expect(left).toEqual([undefined, undefined, undefined, undefined, undefined, 3, 2, 1]);
});

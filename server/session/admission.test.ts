import { describe, expect, it } from 'vitest';
import { Admission } from './admission.ts';

describe('Admission', () => {
  it('admits sessions up to the limit', () => {
    const admission = new Admission(2);
    expect(() => admission.admit(1)).not.toThrow();
    expect(() => admission.admit(2)).toThrow(expect.objectContaining({ code: 'server-full', detail: '2 sessions' }));
  });

  it('admits none while the server drains', () => {
    const admission = new Admission(2);
    expect(admission.draining).toBe(false);
    admission.drain();
    expect(admission.draining).toBe(true);
    expect(() => admission.admit(0)).toThrow(expect.objectContaining({ code: 'server-draining' }));
  });
});

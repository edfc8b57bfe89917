/** Who may join: a bound on open sessions, and none while the server drains. */
import { AvsacError } from '../../shared/errors.ts';

export class Admission {
  readonly #maxSessions: number;
  #draining = false;

  /** @param maxSessions sessions carried at once, at least 1. */
  constructor(maxSessions: number) {
    this.#maxSessions = maxSessions;
  }

  /** @throws AvsacError `server-draining`, `server-full` */
  admit(openSessions: number): void {
    if (this.#draining) throw new AvsacError('server-draining');
    if (openSessions >= this.#maxSessions) throw new AvsacError('server-full', `${this.#maxSessions} sessions`);
  }

  drain(): void {
    this.#draining = true;
  }

  get draining(): boolean {
    return this.#draining;
  }
}

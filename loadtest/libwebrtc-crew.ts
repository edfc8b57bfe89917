/** Publishers by real libwebrtc, in a process of their own. */
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { StreamRecord } from './stream-record.ts';

export interface LibwebrtcData {
  /** Of the signalling WebSocket. */
  readonly url: string;
  readonly token: string | undefined;
  readonly streams: number;
}

export class LibwebrtcCrew {
  readonly #process: ChildProcess;

  private constructor(process: ChildProcess) {
    this.#process = process;
  }

  /**
   * Resolves when each stream has been let in or has ended.
   * @throws Error when libwebrtc is not installed.
   */
  static async start(data: LibwebrtcData): Promise<LibwebrtcCrew> {
    try {
      import.meta.resolve('@roamhq/wrtc');
    } catch {
      throw new Error(
        '--libwebrtc needs the package @roamhq/wrtc, and it is not installed; run npm ci with development packages.',
      );
    }
    const entry = fileURLToPath(new URL('./libwebrtc-process.ts', import.meta.url));
    const crew = new LibwebrtcCrew(fork(entry, [JSON.stringify(data)], { serialization: 'advanced' }));
    await crew.#answer();
    return crew;
  }

  /** @param firstStream number of the first. @returns what was noted; the process ends. */
  async leave(firstStream: number): Promise<StreamRecord[]> {
    const answer = this.#answer();
    this.#process.send('leave');
    const records = (await answer) as Omit<StreamRecord, 'stream'>[];
    return records.map((record, index) => ({ ...record, stream: firstStream + index }));
  }

  /** Idempotent. */
  close(): void {
    this.#process.kill();
  }

  #answer(): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const ended = (code: number | null) =>
        reject(new Error(`The libwebrtc publishers ended with ${code}; its message is above.`));
      this.#process.once('exit', ended);
      this.#process.once('message', (message) => {
        this.#process.off('exit', ended);
        resolve(message);
      });
    });
  }
}

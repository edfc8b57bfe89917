/** Shows how far long work is: a bar on a terminal, a line for each phase elsewhere. */
import { Presets, SingleBar } from 'cli-progress';

export class ProgressBar {
  readonly #bar = new SingleBar(
    { format: '{bar} {percentage} %  {phase}', hideCursor: true, clearOnComplete: true, stopOnComplete: false },
    Presets.shades_classic,
  );
  readonly #isTerminal = process.stderr.isTTY === true;
  #phase: string | undefined;

  /** @param share 0..1 */
  update(share: number, phase: string): void {
    if (!this.#isTerminal) {
      if (phase !== this.#phase) process.stderr.write(`${phase}\n`);
    } else {
      if (this.#phase === undefined) this.#bar.start(100, 0, { phase });
      this.#bar.update(Math.round(100 * share), { phase });
    }
    this.#phase = phase;
  }

  stop(): void {
    if (this.#isTerminal && this.#phase !== undefined) this.#bar.stop();
    this.#phase = undefined;
  }
}

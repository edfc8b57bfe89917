/** Names and colours of the classes that are lit, on the picture. A model of one class has none. */
import type { MaskMessage } from '../shared/mask-codec.ts';
import { classColour } from './class-colour.ts';
import { LitClasses } from './lit-classes.ts';

export class Legend {
  readonly element = document.createElement('ul');
  readonly #lit = new LitClasses();
  #names: readonly string[] = [];
  #colour = '';
  /** By class index; what is still named keeps its item, so that only new names are read out. */
  readonly #items = new Map<number, HTMLLIElement>();
  readonly #rest = document.createElement('li');

  constructor() {
    this.element.setAttribute('part', 'legend');
    this.element.setAttribute('aria-label', 'What sounds');
    this.element.setAttribute('aria-live', 'polite');
    this.element.setAttribute('aria-relevant', 'additions');
  }

  /** @param names of the model's classes by index; with one there is nothing to tell apart. */
  setClasses(names: readonly string[]): void {
    this.#names = names;
    this.clear();
  }

  /** @param colour any CSS colour, as of {@link classColour}. */
  setColour(colour: string): void {
    this.#colour = colour;
    for (const [classIndex, item] of this.#items) this.#paint(item, classIndex);
  }

  /** @param message the mask that has just come on view. */
  add(message: MaskMessage, nowMs: number): void {
    if (this.#names.length > 1) this.#lit.add(message, nowMs);
  }

  /** To be called with every frame: names leave with time. */
  show(nowMs: number): void {
    const { named, others } = this.#lit.at(nowMs);
    for (const [classIndex, item] of this.#items) {
      if (named.includes(classIndex)) continue;
      item.remove();
      this.#items.delete(classIndex);
    }
    for (const [place, classIndex] of named.entries()) {
      if (this.#items.has(classIndex)) continue;
      const item = this.#item(classIndex);
      this.#items.set(classIndex, item);
      this.element.insertBefore(item, this.element.children[place] ?? null);
    }
    this.#showRest(others);
  }

  clear(): void {
    this.#lit.clear();
    this.show(0);
  }

  #showRest(others: number): void {
    const text = others === 0 ? '' : `and ${others} more`;
    if (text === this.#rest.textContent) return;
    this.#rest.textContent = text;
    if (others === 0) this.#rest.remove();
    else this.element.append(this.#rest);
  }

  #item(classIndex: number): HTMLLIElement {
    const item = document.createElement('li');
    item.append(document.createElement('span'), this.#names[classIndex] ?? `class ${classIndex}`);
    this.#paint(item, classIndex);
    return item;
  }

  #paint(item: HTMLLIElement, classIndex: number): void {
    item.querySelector('span')!.style.background = classColour(this.#colour, classIndex);
  }
}

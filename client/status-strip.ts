/** Shows figures as text; touches only what has changed. */
import { type FigureLine, figureLines, type HeadlineFigure, headline, type PageFigures } from './figures.ts';

export class StatusStrip {
  readonly #headline: HTMLElement;
  readonly #list: HTMLElement;

  constructor(headlineElement: HTMLElement, list: HTMLElement) {
    this.#headline = headlineElement;
    this.#list = list;
  }

  show(figures: PageFigures): void {
    this.#showHeadline(headline(figures));
    this.#showLines(figureLines(figures));
  }

  #showHeadline(figures: readonly HeadlineFigure[]): void {
    resize(this.#headline, figures.length, () => {
      const cell = document.createElement('div');
      const value = document.createElement('strong');
      value.append(document.createElement('b'), document.createElement('small'));
      value.firstElementChild!.replaceWith(document.createTextNode(''));
      cell.append(value, document.createElement('span'));
      return [cell];
    });
    figures.forEach(({ label, value, unit }, i) => {
      const cell = this.#headline.children[i]!;
      const [strong, span] = cell.children as unknown as [HTMLElement, HTMLElement];
      setText(strong.firstChild!, value);
      setText(strong.lastChild!, unit === '' || value === '–' ? '' : ` ${unit}`);
      setText(span, label);
    });
  }

  #showLines(lines: readonly FigureLine[]): void {
    resize(this.#list, 2 * lines.length, () => [document.createElement('dt'), document.createElement('dd')]);
    lines.forEach(({ label, value }, i) => {
      setText(this.#list.children[2 * i]!, label);
      setText(this.#list.children[2 * i + 1]!, value);
    });
  }
}

function resize(parent: HTMLElement, count: number, create: () => readonly HTMLElement[]): void {
  while (parent.childElementCount > count) parent.lastElementChild!.remove();
  while (parent.childElementCount < count) parent.append(...create());
}

function setText(node: Node, text: string): void {
  if (node.textContent !== text) node.textContent = text;
}

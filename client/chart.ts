/** The last minute of latency and mask rate. The only importer of uPlot. */
import UPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';

const SPAN_S = 60;
const HEIGHT = 148;

export class LatencyChart {
  readonly #host: HTMLElement;
  readonly #times: number[] = [];
  readonly #p50: (number | null)[] = [];
  readonly #p95: (number | null)[] = [];
  readonly #rates: (number | null)[] = [];
  #plot: UPlot | undefined;

  constructor(host: HTMLElement) {
    this.#host = host;
    new ResizeObserver(() => this.#plot?.setSize({ width: host.clientWidth, height: HEIGHT })).observe(host);
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.#rebuild());
    this.#rebuild();
  }

  /** @param timeS seconds since the chart began. */
  add(timeS: number, p50Ms: number | undefined, p95Ms: number | undefined, rateHz: number | undefined): void {
    this.#times.push(timeS);
    this.#p50.push(p50Ms ?? null);
    this.#p95.push(p95Ms ?? null);
    this.#rates.push(rateHz ?? null);
    while (this.#times[0]! < timeS - SPAN_S) {
      for (const series of [this.#times, this.#p50, this.#p95, this.#rates]) series.shift();
    }
    this.#plot?.setData(this.#data());
  }

  clear(): void {
    for (const series of [this.#times, this.#p50, this.#p95, this.#rates]) series.length = 0;
    this.#plot?.setData(this.#data());
  }

  #data(): UPlot.AlignedData {
    return [this.#times, this.#p50, this.#p95, this.#rates];
  }

  /** Canvas knows nothing of CSS variables, so the colours are read when the chart is made. */
  #rebuild(): void {
    this.#plot?.destroy();
    const colour = (name: string) => {
      const probe = document.createElement('i');
      probe.style.color = `var(${name})`;
      this.#host.append(probe);
      const { color } = getComputedStyle(probe);
      probe.remove();
      return color;
    };
    const latency = colour('--latency');
    const rate = colour('--rate');
    const axis = { grid: { stroke: colour('--line'), width: 1 }, ticks: { show: false }, font: '11px system-ui' };
    this.#plot = new UPlot(
      {
        width: Math.max(1, this.#host.clientWidth),
        height: HEIGHT,
        cursor: { show: false },
        legend: { show: false },
        scales: {
          x: { time: false, range: (_plot, _low, high) => [Math.max(high, SPAN_S) - SPAN_S, Math.max(high, SPAN_S)] },
          ms: { range: (_plot, _low, high) => [0, Math.max(100, Math.ceil(high / 50) * 50)] },
          hz: { range: [0, 12] },
        },
        axes: [
          { show: false },
          { ...axis, scale: 'ms', stroke: latency, size: 40, space: 34 },
          { ...axis, scale: 'hz', stroke: rate, side: 1, size: 28, space: 34, grid: { show: false } },
        ],
        series: [
          {},
          { scale: 'ms', stroke: latency, width: 2, points: { show: false } },
          { scale: 'ms', stroke: latency, width: 1, dash: [3, 3], points: { show: false } },
          { scale: 'hz', stroke: rate, width: 1.5, points: { show: false } },
        ],
      },
      this.#data(),
      this.#host,
    );
  }
}

import type { Tone } from '../brush.ts';
import { defineKind } from '../kind.ts';
import { TAU } from '../random.ts';
import { strike } from '../tone-synthesis.ts';

interface Design {
  readonly shell: Tone;
  readonly dial: Tone;
  readonly face: 'rotary' | 'keys';
  readonly foot: number;
  readonly handset: Tone;
}

interface Voice {
  /** The two gongs the clapper hits in turn. */
  readonly lowHz: number;
  readonly highHz: number;
  readonly clapperHz: number;
  readonly decayS: number;
}

export const telephone = defineKind<Design, Voice>({
  name: 'telephone',
  designs: [
    { shell: [230, 10, 16], dial: [0, 0, 92], face: 'rotary', foot: 0.86, handset: [230, 10, 16] },
    { shell: [355, 78, 44], dial: [0, 0, 94], face: 'rotary', foot: 0.82, handset: [355, 78, 44] },
    { shell: [48, 55, 82], dial: [35, 40, 40], face: 'rotary', foot: 0.88, handset: [48, 55, 82] },
    { shell: [155, 40, 42], dial: [45, 50, 90], face: 'keys', foot: 0.8, handset: [155, 40, 42] },
    { shell: [205, 50, 52], dial: [0, 0, 96], face: 'rotary', foot: 0.78, handset: [205, 45, 36] },
    { shell: [345, 60, 74], dial: [0, 0, 97], face: 'keys', foot: 0.84, handset: [345, 60, 74] },
    { shell: [30, 85, 54], dial: [0, 0, 20], face: 'keys', foot: 0.86, handset: [30, 80, 44] },
    { shell: [265, 30, 44], dial: [0, 0, 92], face: 'rotary', foot: 0.82, handset: [265, 30, 30] },
    { shell: [185, 45, 38], dial: [48, 50, 88], face: 'rotary', foot: 0.84, handset: [185, 45, 30] },
    { shell: [8, 60, 58], dial: [0, 0, 94], face: 'keys', foot: 0.82, handset: [8, 60, 48] },
  ],
  voices: [
    { lowHz: 1250, highHz: 1580, clapperHz: 22, decayS: 0.07 },
    { lowHz: 1500, highHz: 1880, clapperHz: 25, decayS: 0.06 },
    { lowHz: 1080, highHz: 1420, clapperHz: 20, decayS: 0.08 },
    { lowHz: 1700, highHz: 2050, clapperHz: 28, decayS: 0.05 },
    { lowHz: 1350, highHz: 1820, clapperHz: 24, decayS: 0.09 },
    { lowHz: 1180, highHz: 1500, clapperHz: 27, decayS: 0.06 },
    { lowHz: 1600, highHz: 2150, clapperHz: 21, decayS: 0.07 },
    { lowHz: 1420, highHz: 1690, clapperHz: 23, decayS: 0.05 },
    { lowHz: 1300, highHz: 1700, clapperHz: 24, decayS: 0.065 },
    { lowHz: 1450, highHz: 1920, clapperHz: 22, decayS: 0.07 },
  ],
  paint(brush, d, pose) {
    brush.shape(
      (c) => {
        c.moveTo(-d.foot, 0.84);
        c.bezierCurveTo(-d.foot, 0.4, -0.5, 0.2, -0.44, -0.28);
        c.lineTo(0.44, -0.28);
        c.bezierCurveTo(0.5, 0.2, d.foot, 0.4, d.foot, 0.84);
        c.closePath();
      },
      brush.lit(d.shell, -0.3, 0.9),
    );
    brush.box(-0.42, -0.44, 0.16, 0.24, 0.05, brush.plain(d.shell, -6));
    brush.box(0.26, -0.44, 0.16, 0.24, 0.05, brush.plain(d.shell, -6));
    brush.detail(() => {
      if (d.face === 'rotary') {
        brush.oval(0, 0.32, 0.4, 0.4, brush.lit(d.dial, 0, 0.7));
        for (let i = 0; i < 10; i += 1) {
          const angle = 0.06 * pose.swing + Math.PI * 0.35 + (TAU * 0.83 * i) / 9;
          brush.oval(
            0.28 * Math.cos(angle),
            0.32 + 0.28 * Math.sin(angle),
            0.062,
            0.062,
            brush.plain(d.shell, d.shell[2] < 30 ? 6 : -16),
            0.015,
          );
        }
        brush.oval(0, 0.32, 0.14, 0.14, brush.plain(d.shell, 8), 0.03);
      } else {
        for (let row = 0; row < 4; row += 1)
          for (let column = -1; column <= 1; column += 1)
            brush.box(column * 0.24 - 0.085, -0.08 + row * 0.2, 0.17, 0.14, 0.03, brush.plain(d.dial), 0.025);
      }
    });
    brush.at(0, -0.5, 0.07 * pose.swing, 1, 1, () => {
      brush.shape(
        (c) => {
          c.moveTo(-0.94, 0.1);
          c.bezierCurveTo(-0.98, -0.44, -0.5, -0.4, 0, -0.4);
          c.bezierCurveTo(0.5, -0.4, 0.98, -0.44, 0.94, 0.1);
          c.lineTo(0.5, 0.1);
          c.bezierCurveTo(0.52, -0.1, 0.4, -0.14, 0, -0.14);
          c.bezierCurveTo(-0.4, -0.14, -0.52, -0.1, -0.5, 0.1);
          c.closePath();
        },
        brush.lit(d.handset, -0.4, 0.2),
      );
      brush.detail(() =>
        brush.curve(
          (c) => {
            c.moveTo(-0.7, -0.24);
            c.bezierCurveTo(-0.4, -0.32, 0.4, -0.32, 0.7, -0.24);
          },
          'hsla(0, 0%, 100%, 0.4)',
          0.06,
        ),
      );
    });
  },
  sound(v, timeS) {
    const hit = Math.floor(timeS * v.clapperHz);
    let sum = 0;
    for (let back = 0; back < 4 && back <= hit; back += 1) {
      const t = timeS - (hit - back) / v.clapperHz;
      const hz = (hit - back) % 2 === 0 ? v.lowHz : v.highHz;
      const p = TAU * hz * t;
      sum += strike(t, 0.001, v.decayS) * Math.sin(p) + 0.5 * strike(t, 0.001, v.decayS * 0.6) * Math.sin(2.71 * p);
    }
    return sum * 1.25;
  },
});

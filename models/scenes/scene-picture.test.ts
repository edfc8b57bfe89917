import { createCanvas } from '@napi-rs/canvas';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Brush } from '../../shared/demo-scene/brush.ts';
import { KIND_NAMES, KINDS } from '../../shared/demo-scene/kinds.ts';
import { createDemoScene } from '../../shared/demo-scene/scene.ts';
import { PictureRenderer } from './scene-picture.ts';

const seeds = fc.integer({ min: 0, max: 0xffffffff });
const WIDTH = 64;
const HEIGHT = 48;

function pixels(draw: (canvas: ReturnType<ReturnType<typeof createCanvas>['getContext']>) => void): Uint8ClampedArray {
  const canvas = createCanvas(WIDTH, HEIGHT).getContext('2d');
  draw(canvas);
  return canvas.getImageData(0, 0, WIDTH, HEIGHT).data;
}

const lit = (data: Uint8ClampedArray): number =>
  data.reduce((count, value, i) => count + (i % 4 === 0 && value > 127 ? 1 : 0), 0);

test('the mask is empty exactly when no visible thing sounds', () => {
  fc.assert(
    fc.property(seeds, fc.nat(120_000), (seed, timeMs) => {
      const scene = createDemoScene(seed);
      const mask = pixels((canvas) => scene.drawMask(canvas, WIDTH, HEIGHT, timeMs));
      expect(lit(mask) > 0).toBe(scene.truth(timeMs).sounding.length > 0);
    }),
    { numRuns: 80 },
  );
});

test('no thing is ever hidden, and what hides part of another is not in its mask', () => {
  fc.assert(
    fc.property(seeds, fc.nat(120_000), (seed, timeMs) => {
      const scene = createDemoScene(seed);
      const ids = scene.things.map(({ id }) => id);
      const each = ids.map((id) => lit(pixels((canvas) => scene.drawMaskOf(canvas, WIDTH, HEIGHT, timeMs, [id]))));
      const all = lit(pixels((canvas) => scene.drawMaskOf(canvas, WIDTH, HEIGHT, timeMs, ids)));
      for (const count of each) expect(count).toBeGreaterThan(6);
      expect(each.reduce((sum, count) => sum + count, 0)).toBeLessThanOrEqual(all + 12);
    }),
    { numRuns: 80 },
  );
});

test('the picture moves, and is the same at the same time', () => {
  const scene = createDemoScene(11);
  const picture = (timeMs: number): Uint8ClampedArray => pixels((canvas) => scene.draw(canvas, WIDTH, HEIGHT, timeMs));
  expect(picture(4000)).toEqual(picture(4000));
  expect(picture(4000)).not.toEqual(picture(4200));
});

test.each(KIND_NAMES)('the designs of %s all look different', (name) => {
  const kind = KINDS[name];
  const looks = Array.from({ length: kind.designCount }, (_, design) =>
    pixels((canvas) => {
      canvas.translate(WIDTH / 2, HEIGHT / 2);
      canvas.scale(HEIGHT / 2, HEIGHT / 2);
      kind.paint(new Brush(canvas), design, { swing: 0, gape: 0.5, turn: 0 });
    }).join(),
  );
  expect(new Set(looks).size).toBe(kind.designCount);
});

test('a picture depends on the seed, the split and its index alone', () => {
  const inOrder = new PictureRenderer(5, 'train', 48);
  inOrder.render(0);
  inOrder.render(1);
  const again = new PictureRenderer(5, 'train', 48).render(2);
  expect(inOrder.render(2)).toEqual(again);
  expect(new PictureRenderer(5, 'held-out', 48).render(2).rgb).not.toEqual(again.rgb);
});

test('the mask of an audio is empty exactly when its tag says that nothing in view sounds', () => {
  const renderer = new PictureRenderer(9, 'train', 96);
  const tags = new Set<string>();
  for (let index = 0; index < 60; index += 1) {
    const { audios, masks, pcm } = renderer.render(index);
    audios.forEach(({ tag, sounding }, a) => {
      tags.add(tag);
      const mask = masks.subarray(a * 48 * 48, (a + 1) * 48 * 48);
      expect(mask.some((value) => value > 127)).toBe(['right', 'union', 'onset'].includes(tag));
      expect(sounding.length > 0).toBe(['right', 'union', 'onset'].includes(tag));
      const heard = pcm.subarray(a * 15_600, (a + 1) * 15_600).some((value) => value !== 0);
      if (tag !== 'noise' && tag !== 'silent') expect(heard).toBe(true);
    });
  }
  expect(tags).toEqual(new Set(['right', 'union', 'silent', 'noise', 'off-screen', 'ended', 'onset']));
});

test('earlier pictures are the luminance of the scene as it was, and nearer in time is nearer in looks', () => {
  const size = 96;
  const difference = { near: 0, far: 0 };
  for (let index = 0; index < 12; index += 1) {
    const { rgb, earlier } = new PictureRenderer(4, 'held-out', size).render(index);
    for (let i = 0; i < size * size; i += 1) {
      const [red, green, blue] = rgb.subarray(3 * i, 3 * i + 3) as unknown as [number, number, number];
      const now = Math.round(0.299 * red + 0.587 * green + 0.114 * blue);
      difference.near += Math.abs(now - (earlier[i] as number)) / (12 * size * size);
      difference.far += Math.abs(now - (earlier[size * size + i] as number)) / (12 * size * size);
    }
  }
  expect(difference.near).toBeGreaterThan(0.1);
  expect(difference.near).toBeLessThan(0.8 * difference.far);
  expect(difference.far).toBeLessThan(8);
});

import { writeFileSync } from 'node:fs';
import { createCanvas, type ImageData } from '@napi-rs/canvas';
import { AUDIOS_PER_IMAGE } from './counterfactual.ts';
import type { ScenePicture } from './scene-picture.ts';

const CAPTION_PX = 16;
const ACROSS = 2;

/** Writes a PNG that shows each picture, then once for every audio with its mask laid over it and its tag below. */
export function writeContactSheet(path: string, pictures: readonly ScenePicture[], size: number): void {
  const cell = AUDIOS_PER_IMAGE + 1;
  const rows = Math.ceil(pictures.length / ACROSS);
  const sheet = createCanvas(ACROSS * cell * size, rows * (size + CAPTION_PX));
  const canvas = sheet.getContext('2d');
  canvas.fillStyle = '#111';
  canvas.fillRect(0, 0, sheet.width, sheet.height);
  canvas.font = '11px sans-serif';
  pictures.forEach((picture, p) => {
    const top = Math.floor(p / ACROSS) * (size + CAPTION_PX);
    for (let a = -1; a < AUDIOS_PER_IMAGE; a += 1) {
      const left = ((p % ACROSS) * cell + a + 1) * size;
      canvas.putImageData(overlay(picture, a, size), left, top);
      const audio = picture.audios[a];
      canvas.fillStyle = '#fff';
      if (audio !== undefined) canvas.fillText(`${audio.tag}: ${audio.kinds.join(', ')}`, left + 3, top + size + 12);
    }
  });
  writeFileSync(path, sheet.toBuffer('image/png'));
}

/** The picture with the mask of audio `a` in green over a darkened rest; -1 for the picture alone. */
function overlay(picture: ScenePicture, a: number, size: number): ImageData {
  const image = createCanvas(size, size).getContext('2d').createImageData(size, size);
  const side = size / 2;
  for (let y = 0; y < size; y += 1)
    for (let x = 0; x < size; x += 1) {
      const lit = a < 0 ? 0 : (picture.masks[(a * side + (y >> 1)) * side + (x >> 1)] as number) / 255;
      for (let c = 0; c < 3; c += 1) {
        const value = picture.rgb[(y * size + x) * 3 + c] as number;
        const shown = a < 0 ? value : value * (0.45 + 0.25 * lit) + (c === 1 ? 75 : 0) * lit;
        image.data[(y * size + x) * 4 + c] = shown;
      }
      image.data[(y * size + x) * 4 + 3] = 255;
    }
  return image;
}

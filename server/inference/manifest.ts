/** The model's manifest: all that the server knows of a model. `models/` writes it beside the ONNX file. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { type Static, Type } from 'typebox';
import { Value } from 'typebox/value';
import { AvsacError } from '../../shared/errors.ts';

const Count = Type.Integer({ minimum: 1 });
/** Frames are kept for as long as the oldest is asked for. */
const MAX_AGE_MS = 500;
const Hertz = Type.Number({ exclusiveMinimum: 0 });

const Picture = {
  name: Type.String({ minLength: 1 }),
  type: Type.Literal('uint8'),
  layout: Type.Literal('NHWC'),
  height: Count,
  width: Count,
  channels: Type.Literal(3),
};

export const ModelManifestSchema = Type.Object({
  name: Type.String({ minLength: 1 }),
  version: Type.String({ minLength: 1 }),
  /** Name of the ONNX file in the manifest's folder. */
  file: Type.String({ pattern: '^[^/\\\\]+\\.onnx$' }),
  /** SHA-256 of that file, lower-case hexadecimal. */
  sha256: Type.String({ pattern: '^[0-9a-f]{64}$' }),
  bytes: Count,
  opset: Count,
  /** Of weights and activations; inputs and outputs are the same for both. For people. */
  precision: Type.Optional(Type.Enum(['fp32', 'fp16', 'int8'])),
  /** Frames of every run, N; absent when the graph takes any number. */
  batch: Type.Optional(Count),
  inputs: Type.Object({
    /** RGB, 0-255, [N, height, width, channels]; the graph normalises. */
    image: Type.Object(Picture),
    /** [N, 1, frames, bands]; ln(mel + logOffset). */
    logMel: Type.Object({
      name: Type.String({ minLength: 1 }),
      type: Type.Literal('float32'),
      frames: Count,
      bands: Count,
    }),
    /** Luminance (BT.601, 0-255) of the frames `agesMs` before the image, [N, ages, height, width]; absent from models of stills. */
    earlier: Type.Optional(
      Type.Object({
        name: Type.String({ minLength: 1 }),
        type: Type.Literal('uint8'),
        layout: Type.Literal('NCHW'),
        height: Count,
        width: Count,
        agesMs: Type.Array(Type.Number({ exclusiveMinimum: 0, maximum: MAX_AGE_MS }), { minItems: 1, maxItems: 4 }),
      }),
    ),
    /** The picture in more pixels, RGB, 0-255, [M, height, width, channels], of M of the N frames; absent from models without. */
    closeUp: Type.Optional(
      Type.Object({
        ...Picture,
        /** A session takes one so often. */
        everyMs: Type.Number({ exclusiveMinimum: 0 }),
        /**
         * What a close-up looks like: `output` [M, positions, kinds] of a run is the input `name` [N, positions, kinds] of the
         * session's next ones, NaN before the first.
         */
        looks: Type.Object({
          name: Type.String({ minLength: 1 }),
          output: Type.String({ minLength: 1 }),
          type: Type.Literal('float32'),
          positions: Count,
          kinds: Count,
        }),
      }),
    ),
  }),
  /**
   * float32: logits [N, K, height, width], K the number of classes. uint8: the mask itself [N, 1, height, width], the class
   * index of each pixel; 0 unlit and 1 lit when K = 1.
   */
  output: Type.Object({
    name: Type.String({ minLength: 1 }),
    type: Type.Enum(['float32', 'uint8']),
    height: Count,
    width: Count,
  }),
  /** The log-mel front end; lengths in samples, edges in Hz, `frames` in hops. */
  audio: Type.Object({
    sampleRateHz: Count,
    windowLength: Count,
    hopLength: Count,
    fftLength: Count,
    melBands: Count,
    melLowHz: Hertz,
    melHighHz: Hertz,
    logOffset: Type.Number({ exclusiveMinimum: 0 }),
    frames: Count,
  }),
  /** Frames of a window, T. */
  windowLength: Count,
  /** True when the model mixes the frames of a window, which must then run together. */
  temporal: Type.Boolean(),
  /** A pixel sounds when sigmoid(logit) is above this, in (0, 1); for K = 1 and logits. */
  threshold: Type.Number({ exclusiveMinimum: 0, exclusiveMaximum: 1 }),
  /** A window quieter than this is answered with an empty mask, dB of full scale. */
  silenceGateDbfs: Type.Number({ maximum: 0 }),
  /** One, or several of which the first is the background. */
  classes: Type.Array(Type.String({ minLength: 1 }), { minItems: 1, maxItems: 256 }),
  /** Index of the golden vectors, relative to the manifest. */
  golden: Type.String({ minLength: 1 }),
  licence: Type.String({ minLength: 1 }),
  /** For people: the model card says more. */
  trainedOn: Type.Union([Type.String(), Type.Array(Type.String())]),
});
export type ModelManifest = Static<typeof ModelManifestSchema>;
/** The input of a model that sees motion. */
export type EarlierInput = NonNullable<ModelManifest['inputs']['earlier']>;
/** A picture that the model takes. */
export type PictureInput = ModelManifest['inputs']['image'];
/** The input of a model that sees close-ups. */
export type CloseUpInput = NonNullable<ModelManifest['inputs']['closeUp']>;

/** A model that is present and whole. */
export interface Model {
  readonly manifest: ModelManifest;
  /** Absolute path of the ONNX file. */
  readonly file: string;
  /** Absolute path of the manifest's folder. */
  readonly folder: string;
}

/**
 * Reads a model's manifest and checks it, the file's presence, size and checksum.
 * @param path a folder with `manifest.json`, the manifest, or the ONNX file beside its `manifest.json`.
 * @throws AvsacError `model-missing`, `model-manifest-invalid`, `model-checksum`
 */
export async function readModel(path: string): Promise<Model> {
  const manifestPath = await locateManifest(resolve(path));
  const manifest = parseManifest(await readText(manifestPath), manifestPath);
  const folder = dirname(manifestPath);
  const file = join(folder, manifest.file);
  if (path.endsWith('.onnx') && basename(path) !== manifest.file) {
    throw new AvsacError(
      'model-manifest-invalid',
      `${manifestPath}: file: expected ${basename(path)}, found ${manifest.file}`,
    );
  }
  await verifyFile(file, manifest);
  return { manifest, file, folder };
}

/**
 * @param text JSON of a manifest.
 * @param source where it is from, for the error.
 * @throws AvsacError `model-manifest-invalid` that names every wrong field, what it must be and what it is.
 */
export function parseManifest(text: string, source: string): ModelManifest {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new AvsacError('model-manifest-invalid', `${source}: not JSON: ${(cause as Error).message}`, { cause });
  }
  if (!Value.Check(ModelManifestSchema, value)) {
    throw new AvsacError('model-manifest-invalid', `${source}: ${schemaFaults(value).join('; ')}`);
  }
  const faults = contradictions(value);
  if (faults.length > 0) throw new AvsacError('model-manifest-invalid', `${source}: ${faults.join('; ')}`);
  return value;
}

function schemaFaults(value: unknown): string[] {
  return Value.Errors(ModelManifestSchema, value).map(({ instancePath, keyword, message, params }) => {
    const field = instancePath.slice(1).replaceAll('/', '.') || 'manifest';
    if (keyword === 'required') return `${field}: ${message}`;
    const allowed = keyword === 'const' ? [params.allowedValue] : keyword === 'enum' ? params.allowedValues : undefined;
    const expected =
      allowed === undefined ? message : `must be ${allowed.map((one) => JSON.stringify(one)).join(' or ')}`;
    return `${field}: ${expected}, found ${JSON.stringify(Value.Pointer.Get(value, instancePath))}`;
  });
}

function contradictions({ inputs, audio, batch, temporal }: ModelManifest): string[] {
  const pairs: [string, number, string, number][] = [
    ['inputs.logMel.frames', inputs.logMel.frames, 'audio.frames', audio.frames],
    ['inputs.logMel.bands', inputs.logMel.bands, 'audio.melBands', audio.melBands],
  ];
  const { image, earlier } = inputs;
  if (earlier) {
    pairs.push(['inputs.earlier.height', earlier.height, 'inputs.image.height', image.height]);
    pairs.push(['inputs.earlier.width', earlier.width, 'inputs.image.width', image.width]);
  }
  const faults = pairs
    .filter(([, a, , b]) => a !== b)
    .map(([field, a, other, b]) => `${field}: must equal ${other} (${b}), found ${a}`);
  if (audio.melHighHz <= audio.melLowHz || audio.melHighHz > audio.sampleRateHz / 2) {
    faults.push(
      `audio.melHighHz: must be above melLowHz (${audio.melLowHz}) and at most half the sample rate ` +
        `(${audio.sampleRateHz / 2}), found ${audio.melHighHz}`,
    );
  }
  if (temporal && batch !== undefined) {
    faults.push(`batch: must be absent from a temporal model, whose first windows are shorter, found ${batch}`);
  }
  if (audio.windowLength > audio.fftLength) {
    faults.push(`audio.windowLength: must be at most fftLength (${audio.fftLength}), found ${audio.windowLength}`);
  }
  return faults;
}

async function locateManifest(path: string): Promise<string> {
  const found = await stat(path).catch((cause: NodeJS.ErrnoException) => {
    throw new AvsacError('model-missing', `${path}: ${cause.code ?? cause.message}`, { cause });
  });
  if (found.isDirectory()) return join(path, 'manifest.json');
  return path.endsWith('.onnx') ? join(dirname(path), 'manifest.json') : path;
}

async function readText(path: string): Promise<string> {
  return readFile(path, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    throw new AvsacError('model-missing', `${path}: ${cause.code ?? cause.message}`, { cause });
  });
}

async function verifyFile(file: string, { bytes, sha256 }: ModelManifest): Promise<void> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash).catch((cause: NodeJS.ErrnoException) => {
    throw new AvsacError('model-missing', `${file}: ${cause.code ?? cause.message}`, { cause });
  });
  const found = hash.digest('hex');
  if (found === sha256) return;
  const size = (await stat(file)).size;
  throw new AvsacError(
    'model-checksum',
    `${file}: expected ${bytes} bytes with SHA-256 ${sha256}, found ${size} bytes with SHA-256 ${found}`,
  );
}

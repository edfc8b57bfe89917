/** What the results feed of a session says: one JSON object a line. Each schema is the one source of its TypeScript type. */
import { type Static, Type } from 'typebox';

/** Link relation type (RFC 8288 §2.1.2) of a session's results feed. */
export const RESULTS_RELATION = 'urn:avsac-live:results';

const pixels = (description: string) => Type.Number({ description: `${description}, pixels of the mask` });

const AnnotationSchema = Type.Object({
  classIndex: Type.Integer({ minimum: 0, description: 'Index into the classes of the model' }),
  className: Type.String(),
  segmentation: Type.Object(
    {
      size: Type.Tuple([Type.Integer(), Type.Integer()], { description: 'Height and width of the mask' }),
      counts: Type.String({ description: 'Run lengths, compressed' }),
    },
    { description: 'COCO RLE, as pycocotools decodes it; the mask covers the whole frame, stretched' },
  ),
  area: Type.Integer({ minimum: 1, description: 'Pixels lit' }),
  bbox: Type.Tuple([pixels('Left'), pixels('Top'), pixels('Width'), pixels('Height')]),
  centroid: Type.Tuple([pixels('Mean x'), pixels('Mean y')]),
});

const nullable = (description: string) => Type.Union([Type.Number(), Type.Null()], { description });

export const ResultSchema = Type.Object(
  {
    type: Type.Literal('result'),
    sequence: Type.Integer({ minimum: 0, description: "Counts the session's masks, wraps at 2^32" }),
    rtpTimestamp: Type.Integer({ minimum: 0, description: 'Of the frame that the masks were computed from, 90 kHz' }),
    captureTimeMs: nullable("Of that frame on the publisher's clock, ms since the Unix epoch; null until known"),
    frameWidth: Type.Integer({ description: 'Of the frame as decoded, pixels' }),
    frameHeight: Type.Integer(),
    loudnessDbfs: nullable("RMS level of the frame's 0.96 s of sound, dB below full scale; null for digital silence"),
    gated: Type.Boolean({ description: 'True when it was too silent to ask the model' }),
    annotations: Type.Array(AnnotationSchema, { description: 'One for each class that is lit, none in silence' }),
  },
  { title: 'Result' },
);
export type Result = Static<typeof ResultSchema>;

export const FeedNoticeSchema = Type.Object(
  {
    type: Type.Literal('notice'),
    code: Type.String({ description: 'What the session lacks (docs/wire.md)' }),
    message: Type.String(),
  },
  { title: 'Notice' },
);

export const FeedEndSchema = Type.Object(
  { type: Type.Literal('end'), reason: Type.String({ description: 'Why the session ended' }) },
  { title: 'End' },
);

/** Every line of a feed. */
export const FeedLineSchema = Type.Union([ResultSchema, FeedNoticeSchema, FeedEndSchema], { title: 'FeedLine' });
export type FeedLine = Static<typeof FeedLineSchema>;

/** A line of the masks of a file: what the feed says, by the file's time. */
export const FileMaskSchema = Type.Intersect([
  Type.Object({
    presentationTimeMs: Type.Number({ description: 'Of the frame, since the beginning of the file' }),
  }),
  Type.Omit(ResultSchema, ['type', 'sequence', 'rtpTimestamp', 'captureTimeMs']),
]);
export type FileMask = Static<typeof FileMaskSchema>;

/** @param presentationTimeMs of the frame, since the beginning of its file. */
export function fileMask(result: Result, presentationTimeMs: number): FileMask {
  const { type: _, sequence: __, rtpTimestamp: ___, captureTimeMs: ____, ...rest } = result;
  return { presentationTimeMs: Number(presentationTimeMs.toFixed(3)), ...rest };
}

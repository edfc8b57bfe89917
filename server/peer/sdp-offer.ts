/** What an SDP offer says, as far as a receive-only answerer needs it (RFC 8866, RFC 8829). */
import { AvsacError } from '../../shared/errors.ts';

export interface OfferedCodec {
  readonly payloadType: number;
  /** As in rtpmap. */
  readonly name: string;
  /** Hz */
  readonly clockRate: number;
  readonly channels: number;
  /** Format parameters as written, without the payload type. */
  readonly parameters: string;
  /** `rtcp-fb` values of this payload type and of `*`. */
  readonly feedback: readonly string[];
}

export type Direction = 'sendrecv' | 'sendonly' | 'recvonly' | 'inactive';

export interface OfferedSection {
  readonly kind: string;
  readonly port: number;
  readonly protocol: string;
  readonly formats: readonly string[];
  readonly mid: string;
  readonly direction: Direction;
  readonly codecs: readonly OfferedCodec[];
  /** Header extension URI to its local identifier. */
  readonly extensions: ReadonlyMap<string, number>;
  readonly ssrcs: readonly number[];
  /** Retransmission SSRC to stream SSRC. */
  readonly rtxSsrcs: ReadonlyMap<number, number>;
  /** `rid`s the simulcast attribute offers to send, paused ones left out. */
  readonly simulcastRids: readonly string[];
  readonly rtcpMux: boolean;
  readonly reducedSizeRtcp: boolean;
  readonly usernameFragment: string;
  readonly password: string;
  readonly fingerprints: readonly { readonly algorithm: string; readonly value: string }[];
  readonly setup: string;
  /** Values of `a=candidate`, as written. */
  readonly candidates: readonly string[];
  readonly sctpPort: number | undefined;
  readonly maxMessageSize: number | undefined;
}

export interface Offer {
  readonly iceLite: boolean;
  /** Mids of the first BUNDLE group; empty without one. */
  readonly bundle: readonly string[];
  readonly sections: readonly OfferedSection[];
}

/** Media sections accepted in one offer; browsers send a handful. */
const MAX_SECTIONS = 64;
const MID_PATTERN = /^[\w.~!#$%&'*+^`{|}-]{1,64}$/;

/** Attributes of one level, `name` to its values in order. */
type Attributes = Map<string, string[]>;

interface RawSection {
  readonly media: string;
  readonly attributes: Attributes;
}

/**
 * @param sdp session description of type `offer`.
 * @throws AvsacError `sdp-invalid`
 */
export function parseOffer(sdp: string): Offer {
  const session: Attributes = new Map();
  const raw: RawSection[] = [];
  const lines = sdp.split(/\r\n|\n|\r/).filter((line) => line !== '');
  if (lines[0] !== 'v=0') throw new AvsacError('sdp-invalid', 'it does not begin with v=0');
  for (const line of lines) {
    if (!/^[a-z]=/.test(line)) throw new AvsacError('sdp-invalid', `not a line of SDP: ${line.slice(0, 40)}`);
    const value = line.slice(2);
    if (line[0] === 'm') raw.push({ media: value, attributes: new Map() });
    else if (line[0] === 'a') addAttribute(raw.at(-1)?.attributes ?? session, value);
  }
  if (raw.length > MAX_SECTIONS) throw new AvsacError('sdp-invalid', `more than ${MAX_SECTIONS} media sections`);

  const sections = raw.map((section, index) => parseSection(section, session, index));
  if (new Set(sections.map(({ mid }) => mid)).size !== sections.length) {
    throw new AvsacError('sdp-invalid', 'two media sections have the same mid');
  }
  const bundle = (session.get('group') ?? [])
    .map((group) => group.split(' '))
    .find(([semantics]) => semantics === 'BUNDLE');
  return { iceLite: session.has('ice-lite'), bundle: bundle?.slice(1) ?? [], sections };
}

function addAttribute(attributes: Attributes, attribute: string): void {
  const colon = attribute.indexOf(':');
  const name = colon < 0 ? attribute : attribute.slice(0, colon);
  const value = colon < 0 ? '' : attribute.slice(colon + 1);
  const values = attributes.get(name);
  if (values === undefined) attributes.set(name, [value]);
  else values.push(value);
}

function parseSection({ media, attributes }: RawSection, session: Attributes, index: number): OfferedSection {
  const [kind = '', port = '', protocol = '', ...formats] = media.split(' ');
  if (!/^\d{1,5}$/.test(port) || protocol === '' || formats.length === 0) {
    throw new AvsacError('sdp-invalid', `not a media description: m=${media.slice(0, 40)}`);
  }
  const mid = attributes.get('mid')?.[0] ?? String(index);
  if (!MID_PATTERN.test(mid)) throw new AvsacError('sdp-invalid', 'a mid is not a token');
  const first = (name: string): string => (attributes.get(name) ?? session.get(name))?.[0] ?? '';
  const direction = (['sendrecv', 'sendonly', 'recvonly', 'inactive'] as const).find((name) => attributes.has(name));
  return {
    kind,
    port: Number(port),
    protocol,
    formats,
    mid,
    direction: direction ?? 'sendrecv',
    codecs: parseCodecs(formats, attributes),
    extensions: parseExtensions(attributes),
    ssrcs: parseSsrcs(attributes),
    rtxSsrcs: parseRtxSsrcs(attributes),
    simulcastRids: parseSimulcastRids(attributes),
    rtcpMux: attributes.has('rtcp-mux'),
    reducedSizeRtcp: attributes.has('rtcp-rsize'),
    usernameFragment: first('ice-ufrag'),
    password: first('ice-pwd'),
    fingerprints: (attributes.get('fingerprint') ?? session.get('fingerprint') ?? []).map((fingerprint) => {
      const [algorithm = '', value = ''] = fingerprint.split(' ');
      return { algorithm: algorithm.toLowerCase(), value };
    }),
    setup: first('setup'),
    candidates: attributes.get('candidate') ?? [],
    sctpPort: optionalInteger(attributes.get('sctp-port')?.[0]),
    maxMessageSize: optionalInteger(attributes.get('max-message-size')?.[0]),
  };
}

function optionalInteger(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,10}$/.test(text) ? Number(text) : undefined;
}

function parseCodecs(formats: readonly string[], attributes: Attributes): OfferedCodec[] {
  return formats.flatMap((format) => {
    const ofFormat = (name: string): string[] =>
      (attributes.get(name) ?? []).flatMap((value) => {
        const [payloadType = '', ...rest] = value.split(' ');
        return payloadType === format || (name === 'rtcp-fb' && payloadType === '*') ? [rest.join(' ')] : [];
      });
    const match = /^([^/\s]+)\/(\d{1,10})(?:\/(\d{1,3}))?\s*$/.exec(ofFormat('rtpmap')[0] ?? '');
    const payloadType = Number(format);
    if (match === null || !/^\d{1,3}$/.test(format) || payloadType > 127) return [];
    return [
      {
        payloadType,
        name: match[1] as string,
        clockRate: Number(match[2]),
        channels: Number(match[3] ?? 1),
        parameters: ofFormat('fmtp').join(';'),
        feedback: ofFormat('rtcp-fb').map((value) => value.trim()),
      },
    ];
  });
}

function parseExtensions(attributes: Attributes): Map<string, number> {
  const extensions = new Map<string, number>();
  for (const value of attributes.get('extmap') ?? []) {
    const match = /^(\d{1,5})(?:\/(\w+))? (\S+)/.exec(value);
    // RFC 8285 §5: one that the offerer only receives is never on packets to us.
    if (match === null || match[2] === 'recvonly' || match[2] === 'inactive') continue;
    const id = Number(match[1]);
    if (id >= 1 && id <= 255 && !extensions.has(match[3] as string)) extensions.set(match[3] as string, id);
  }
  return extensions;
}

function parseSsrcs(attributes: Attributes): number[] {
  const ssrcs = (attributes.get('ssrc') ?? []).map((value) => Number(value.split(' ')[0]));
  return [...new Set(ssrcs)].filter((ssrc) => Number.isInteger(ssrc) && ssrc >= 0 && ssrc <= 0xffffffff);
}

function parseRtxSsrcs(attributes: Attributes): Map<number, number> {
  const rtxSsrcs = new Map<number, number>();
  for (const value of attributes.get('ssrc-group') ?? []) {
    const [semantics, stream, rtx] = value.split(' ');
    if (semantics === 'FID' && stream !== undefined && rtx !== undefined) rtxSsrcs.set(Number(rtx), Number(stream));
  }
  return rtxSsrcs;
}

/** `a=simulcast:send hi;mid;~lo` (RFC 8853 §5.1): alternatives by comma, of which the first is taken. */
function parseSimulcastRids(attributes: Attributes): string[] {
  const words = (attributes.get('simulcast')?.[0] ?? '').trim().split(/\s+/);
  const streams = words[words.indexOf('send') + 1];
  if (!words.includes('send') || streams === undefined) return [];
  return streams
    .split(';')
    .map((alternatives) => alternatives.split(',')[0] as string)
    .filter((rid) => /^[\w-]{1,64}$/.test(rid));
}

/** Which of an offer is accepted, and the receive-only answer that says so (RFC 8829 §5.3, RFC 8843 §7.3). */
import { AvsacError } from '../../shared/errors.ts';
import type { RefusedMedia } from './peer.ts';
import { ABS_CAPTURE_TIME_URI } from './rtp/abs-capture-time.ts';
import { type ExtensionIds, MID_URI, REPAIRED_RID_URI, RID_URI } from './rtp/rtp-receiver.ts';
import { isDepacketizable, type ReceivedMedia } from './rtp/track-receiver.ts';
import { TRANSPORT_WIDE_CC_URI } from './rtp/transport-feedback.ts';
import type { Offer, OfferedCodec, OfferedSection } from './sdp-offer.ts';

/** Header extensions accepted. Without `urn:3gpp:video-orientation` a sender turns its frames upright itself. */
const EXTENSION_URIS = [MID_URI, RID_URI, REPAIRED_RID_URI, TRANSPORT_WIDE_CC_URI, ABS_CAPTURE_TIME_URI];
const AUDIO_CODEC = 'opus';
const VIDEO_FEEDBACK = ['nack', 'nack pli', 'ccm fir', 'transport-cc'];
const AUDIO_FEEDBACK = ['nack', 'transport-cc'];

export interface AcceptedSection {
  readonly section: OfferedSection;
  /** The one codec of an audio or video section, and its retransmissions; undefined for data channels. */
  readonly codec: OfferedCodec | undefined;
  readonly rtx: OfferedCodec | undefined;
  readonly rid: string | undefined;
}

export interface Negotiation {
  readonly offer: Offer;
  /** One entry a section of the offer; undefined where it is refused. */
  readonly sections: readonly (AcceptedSection | undefined)[];
  readonly refused: readonly RefusedMedia[];
  /** The accepted section whose transport attributes count for all (RFC 8843 §7.3.1). */
  readonly transport: OfferedSection;
}

/**
 * @param videoCodecs accepted, in order of preference.
 * @throws AvsacError `sdp-invalid`, `sdp-without-media`, `codec-unsupported`
 */
export function negotiate(offer: Offer, videoCodecs: readonly string[]): Negotiation {
  const media = offer.sections.filter(({ kind }) => kind === 'audio' || kind === 'video');
  if (media.length === 0) throw new AvsacError('sdp-without-media');
  const first = offer.sections.find(({ port }) => port !== 0);
  const bundled = (section: OfferedSection): boolean => offer.bundle.includes(section.mid) || section === first;

  const refused: RefusedMedia[] = [];
  const sections = offer.sections.map((section): AcceptedSection | undefined => {
    if (section.kind === 'application') {
      const usable = bundled(section) && section.port !== 0 && section.protocol.endsWith('DTLS/SCTP');
      return usable ? { section, codec: undefined, rtx: undefined, rid: undefined } : undefined;
    }
    // Port 0 in the offer is a section the offerer itself stopped, unless it is bundle-only (RFC 8843 §6).
    const stopped = section.port === 0 && !offer.bundle.includes(section.mid);
    if (stopped || (section.kind !== 'audio' && section.kind !== 'video')) return undefined;
    const codec = bundled(section) && section.rtcpMux ? chooseCodec(section, videoCodecs) : undefined;
    if (codec === undefined) {
      const offeredCodecs = [...new Set(section.codecs.map(({ name }) => name))];
      refused.push({ kind: section.kind, offeredCodecs });
      return undefined;
    }
    return { section, codec, rtx: findRtx(section, codec), rid: section.simulcastRids[0] };
  });

  const accepted = sections.filter((section) => section !== undefined);
  const transport = accepted[0]?.section;
  if (transport === undefined || !accepted.some(({ codec }) => codec !== undefined)) {
    // Every audio and video section was stopped by the offerer, not refused here: nothing is wrong with the codecs.
    if (refused.length === 0) throw new AvsacError('sdp-without-media');
    const offered = [...new Set(refused.flatMap(({ offeredCodecs }) => offeredCodecs))];
    throw new AvsacError('codec-unsupported', `offered: ${offered.join(', ')}`);
  }
  if (!/^[\w+/-]{4,256}$/.test(transport.usernameFragment) || !/^[\w+/-]{22,256}$/.test(transport.password)) {
    throw new AvsacError('sdp-invalid', 'no ICE credentials');
  }
  if (!transport.fingerprints.some(({ algorithm, value }) => algorithm !== '' && /^[\dA-Fa-f:]+$/.test(value))) {
    throw new AvsacError('sdp-invalid', 'no DTLS fingerprint');
  }
  return { offer, sections, refused, transport };
}

function chooseCodec(section: OfferedSection, videoCodecs: readonly string[]): OfferedCodec | undefined {
  const wanted = section.kind === 'audio' ? [AUDIO_CODEC] : videoCodecs;
  for (const name of wanted) {
    const offered = section.codecs.filter((codec) => codec.name.toLowerCase() === name.toLowerCase());
    if (offered.length === 0 || !isDepacketizable(name)) continue;
    return offered.find(({ parameters }) => /packetization-mode=1/.test(parameters)) ?? offered[0];
  }
  return undefined;
}

function findRtx(section: OfferedSection, codec: OfferedCodec): OfferedCodec | undefined {
  const apt = new RegExp(`(^|;)\\s*apt=${codec.payloadType}\\s*(;|$)`);
  return section.codecs.find(({ name, parameters }) => name.toLowerCase() === 'rtx' && apt.test(parameters));
}

/** What of the accepted feedback was offered. */
function acceptedFeedback(kind: string, codec: OfferedCodec): string[] {
  return (kind === 'audio' ? AUDIO_FEEDBACK : VIDEO_FEEDBACK).filter((value) => codec.feedback.includes(value));
}

/** True when the offerer sends media in this section. */
function sends({ direction }: OfferedSection): boolean {
  return direction === 'sendrecv' || direction === 'sendonly';
}

/** The media sections whose packets will come to us. */
export function receivedMedia({ sections }: Negotiation): ReceivedMedia[] {
  return sections.flatMap((accepted): ReceivedMedia[] => {
    if (accepted?.codec === undefined || !sends(accepted.section)) return [];
    const { section, codec, rtx, rid } = accepted;
    const feedback = acceptedFeedback(section.kind, codec);
    return [
      {
        kind: section.kind === 'audio' ? 'audio' : 'video',
        mid: section.mid,
        codec: codec.name,
        payloadType: codec.payloadType,
        rtxPayloadType: rtx?.payloadType,
        clockRate: codec.clockRate,
        channels: codec.channels,
        nack: feedback.includes('nack'),
        pictureLoss: feedback.includes('nack pli'),
        rid,
        ssrcs: section.ssrcs,
        rtxSsrcs: section.rtxSsrcs,
        parameterSets: parseParameterSets(codec.parameters),
        absCaptureTimeId: section.extensions.get(ABS_CAPTURE_TIME_URI),
      },
    ];
  });
}

/** RFC 6184 §8.1. */
function parseParameterSets(parameters: string): Uint8Array[] {
  const match = /(?:^|;)\s*sprop-parameter-sets=([A-Za-z0-9+/=,]+)/.exec(parameters);
  return (match?.[1] ?? '')
    .split(',')
    .filter((unit) => unit !== '')
    .map((unit) => new Uint8Array(Buffer.from(unit, 'base64')));
}

/** Header extension identifiers of the accepted sections; the first wins, for a BUNDLE group agrees on them. */
export function extensionIds({ sections }: Negotiation): ExtensionIds {
  const find = (uri: string): number | undefined =>
    sections.find((accepted) => accepted?.section.extensions.has(uri))?.section.extensions.get(uri);
  return {
    mid: find(MID_URI),
    rid: find(RID_URI),
    repairedRid: find(REPAIRED_RID_URI),
    transportWideCc: find(TRANSPORT_WIDE_CC_URI),
  };
}

/** Our side of the transport. */
export interface LocalTransport {
  /** Version of our description, one more with each answer. */
  readonly version: number;
  readonly usernameFragment: string;
  readonly password: string;
  readonly fingerprint: { readonly algorithm: string; readonly value: string };
  readonly setup: 'active' | 'passive';
  /** `a=candidate` values gathered so far. */
  readonly candidates: readonly string[];
  readonly gathered: boolean;
  readonly sctpPort: number;
  readonly maxMessageSize: number;
  /** Highest bitrate of each video section, bit/s. */
  readonly videoBitrateBps: number;
}

/** @returns SDP of type `answer`. */
export function writeAnswer({ offer, sections, transport }: Negotiation, local: LocalTransport): string {
  const mids = sections.flatMap((accepted) => (accepted === undefined ? [] : [accepted.section.mid]));
  const lines = ['v=0', `o=- 1 ${local.version} IN IP4 0.0.0.0`, 's=-', 't=0 0'];
  if (offer.bundle.length > 0) lines.push(`a=group:BUNDLE ${mids.join(' ')}`);
  offer.sections.forEach((section, index) => {
    const accepted = sections[index];
    lines.push(
      ...(accepted === undefined ? refusedLines(section) : acceptedLines(accepted, local, section === transport)),
    );
  });
  return `${lines.join('\r\n')}\r\n`;
}

/** RFC 3264 §6: port 0, the formats kept. */
function refusedLines(section: OfferedSection): string[] {
  return [
    `m=${section.kind} 0 ${section.protocol} ${section.formats.join(' ')}`,
    'c=IN IP4 0.0.0.0',
    `a=mid:${section.mid}`,
    'a=inactive',
  ];
}

function acceptedLines(accepted: AcceptedSection, local: LocalTransport, carriesTransport: boolean): string[] {
  const { section, codec, rtx } = accepted;
  const formats =
    codec === undefined ? section.formats : [codec, ...(rtx === undefined ? [] : [rtx])].map((c) => c.payloadType);
  const lines = [
    `m=${section.kind} 9 ${section.protocol} ${formats.join(' ')}`,
    'c=IN IP4 0.0.0.0',
    // RFC 3890: without what the transport adds.
    ...(section.kind === 'video' ? [`b=TIAS:${local.videoBitrateBps}`] : []),
    `a=mid:${section.mid}`,
    `a=ice-ufrag:${local.usernameFragment}`,
    `a=ice-pwd:${local.password}`,
    'a=ice-options:trickle',
    `a=fingerprint:${local.fingerprint.algorithm} ${local.fingerprint.value}`,
    `a=setup:${local.setup}`,
  ];
  if (carriesTransport) {
    lines.push(...local.candidates.map((candidate) => `a=candidate:${candidate}`));
    if (local.gathered) lines.push('a=end-of-candidates');
  }
  if (codec === undefined) {
    lines.push(`a=sctp-port:${local.sctpPort}`, `a=max-message-size:${local.maxMessageSize}`);
    return lines;
  }
  lines.push('a=rtcp:9 IN IP4 0.0.0.0', sends(section) ? 'a=recvonly' : 'a=inactive', 'a=rtcp-mux', 'a=rtcp-mux-only');
  if (section.reducedSizeRtcp) lines.push('a=rtcp-rsize');
  for (const uri of EXTENSION_URIS) {
    const id = section.extensions.get(uri);
    if (id !== undefined) lines.push(`a=extmap:${id} ${uri}`);
  }
  lines.push(...codecLines(codec, acceptedFeedback(section.kind, codec)));
  if (rtx !== undefined) lines.push(...codecLines(rtx, []));
  if (accepted.rid !== undefined) lines.push(`a=rid:${accepted.rid} recv`, `a=simulcast:recv ${accepted.rid}`);
  return lines;
}

function codecLines(codec: OfferedCodec, feedback: readonly string[]): string[] {
  const { payloadType, name, clockRate, channels, parameters } = codec;
  const lines = [`a=rtpmap:${payloadType} ${name}/${clockRate}${channels > 1 ? `/${channels}` : ''}`];
  // Parameter sets describe what the offerer sends; they have no place in an answer that only receives.
  const kept = parameters
    .split(';')
    .map((parameter) => parameter.trim())
    .filter((parameter) => parameter !== '' && !parameter.startsWith('sprop-'));
  if (kept.length > 0) lines.push(`a=fmtp:${payloadType} ${kept.join(';')}`);
  return [...lines, ...feedback.map((value) => `a=rtcp-fb:${payloadType} ${value}`)];
}

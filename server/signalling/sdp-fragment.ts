/** SDP fragments of trickle ICE over HTTP (RFC 8840 §9, RFC 9725 §4.3), and what they make of an offer and an answer. */
import { AvsacError } from '../../shared/errors.ts';
import { parseOffer } from '../peer/sdp-offer.ts';

export const FRAGMENT_MEDIA_TYPE = 'application/trickle-ice-sdpfrag';

export interface IceCredentials {
  readonly usernameFragment: string;
  readonly password: string;
}

export interface SdpFragment {
  /** Undefined when the fragment has none: its candidates are for the ICE session at the moment. */
  readonly credentials: IceCredentials | undefined;
  readonly candidates: readonly { readonly mid: string; readonly candidate: string }[];
}

const ICE_ATTRIBUTE = /^a=(ice-ufrag|ice-pwd|candidate|end-of-candidates)(:|$)/;

/** @throws AvsacError `sdp-fragment-invalid` */
export function parseFragment(body: string): SdpFragment {
  const sections = sectionsOf(`v=0\r\n${body}`);
  if (sections.length === 0) throw new AvsacError('sdp-fragment-invalid', 'it has no m= line');
  const { usernameFragment, password } = sections[0]!;
  if ((usernameFragment === '') !== (password === '')) {
    throw new AvsacError('sdp-fragment-invalid', 'one of ice-ufrag and ice-pwd is missing');
  }
  return {
    credentials: usernameFragment === '' ? undefined : { usernameFragment, password },
    candidates: sections.flatMap(({ mid, candidates }) => candidates.map((candidate) => ({ mid, candidate }))),
  };
}

function sectionsOf(sdp: string) {
  try {
    return parseOffer(sdp).sections;
  } catch (error) {
    throw new AvsacError('sdp-fragment-invalid', error instanceof AvsacError ? error.detail : undefined);
  }
}

/**
 * The offer that restarts ICE: the one before, with the credentials and candidates of the fragment in place of its own.
 * WHIP renegotiates nothing else (RFC 9725 §4.3.3).
 */
export function restartOffer(
  offer: string,
  credentials: IceCredentials,
  candidates: SdpFragment['candidates'],
): string {
  const lines = offer.split(/\r\n|\n|\r/).filter((line) => line !== '' && !ICE_ATTRIBUTE.test(line));
  const firstSection = lines.findIndex((line) => line.startsWith('m='));
  const restarted = lines.flatMap((line, index) => {
    // At session level they hold for every section.
    if (index === firstSection) {
      return [`a=ice-ufrag:${credentials.usernameFragment}`, `a=ice-pwd:${credentials.password}`, line];
    }
    const mid = /^a=mid:(.*)$/.exec(line)?.[1];
    return [line, ...candidates.filter((one) => one.mid === mid).map(({ candidate }) => `a=candidate:${candidate}`)];
  });
  return `${restarted.join('\r\n')}\r\n`;
}

/** What of an answer belongs to ICE: its first accepted section, which carries the transport of all. */
export function fragmentOfAnswer(answer: string): string {
  const lines = answer.split('\r\n');
  const starts = lines.flatMap((line, index) => (line.startsWith('m=') ? [index] : []));
  const sections = starts.map((start, i) => lines.slice(start, starts[i + 1]));
  const section = sections.find((candidate) => candidate.some((line) => line.startsWith('a=ice-ufrag:'))) ?? [];
  const kept = section.filter((line) => /^(m=|a=mid:)/.test(line) || ICE_ATTRIBUTE.test(line));
  const session = lines.slice(0, starts[0]).filter((line) => line.startsWith('a=group:'));
  return `${['a=ice-options:trickle', ...session, ...kept].join('\r\n')}\r\n`;
}

/** ICE candidates as written in SDP and in RTCIceCandidateInit (RFC 8839 §5.1). */
import { isIP } from 'node:net';
import { AvsacError } from '../../shared/errors.ts';

export interface ParsedCandidate {
  readonly foundation: string;
  readonly component: number;
  /** Lower case. */
  readonly transport: string;
  readonly priority: number;
  /** An IP address, or a name: browsers hide their host addresses behind `.local` ones. */
  readonly address: string;
  readonly port: number;
  readonly type: string;
}

const CANDIDATE_PATTERN =
  /^(?:candidate:)?([A-Za-z0-9+/]{1,32}) (\d{1,3}) (udp|tcp|UDP|TCP) (\d{1,10}) (\S{1,253}) (\d{1,5}) typ (host|srflx|prflx|relay)(?: .*)?$/;

/**
 * @param text with or without the leading `candidate:`.
 * @throws AvsacError `candidate-invalid`
 */
export function parseCandidate(text: string): ParsedCandidate {
  const match = CANDIDATE_PATTERN.exec(text.trim());
  if (match === null) throw new AvsacError('candidate-invalid', text.slice(0, 80));
  const [, foundation, component, transport, priority, address, port, type] = match as unknown as string[] & {
    readonly length: 8;
  };
  const parsed = {
    foundation: foundation as string,
    component: Number(component),
    transport: (transport as string).toLowerCase(),
    priority: Number(priority),
    address: address as string,
    port: Number(port),
    type: type as string,
  };
  if (parsed.port > 65_535 || parsed.priority > 0xffffffff)
    throw new AvsacError('candidate-invalid', text.slice(0, 80));
  return parsed;
}

/**
 * True when a check can be sent there. Names are left unresolved: the address behind a `.local` one shows itself with
 * the remote's own checks, as a peer-reflexive candidate (RFC 8445 §7.3.1.3).
 */
export function isReachable({ transport, address, port }: ParsedCandidate): boolean {
  return transport === 'udp' && port > 0 && isIP(address) !== 0;
}

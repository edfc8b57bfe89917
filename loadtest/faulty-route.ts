/** Leads one publisher's connection through relays: every candidate of the server is replaced by a relay to it. */
import type { Candidate } from '../shared/signalling.ts';
import { fateOf, type NetworkFaults, NO_FAULTS } from './network-faults.ts';
import { UdpRelay } from './udp-relay.ts';

const CANDIDATE_LINE = /^a=(?:candidate:.*|end-of-candidates)\r\n/gm;
const HOST_CANDIDATE = /^(candidate:\S+ 1 udp \d+) (\S+) (\d+) (typ \S+)/i;

export class FaultyRoute {
  readonly #nowMs: () => number;
  readonly #relays: UdpRelay[] = [];
  /** From now on. */
  faults: NetworkFaults = NO_FAULTS;

  /** @param nowMs the clock of a blackout. */
  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /** Takes the candidates out of a description. */
  split(sdp: string): { readonly sdp: string; readonly candidates: readonly Candidate[] } {
    const lines = [...sdp.matchAll(/^a=(candidate:.*)\r\n/gm)].map(([, candidate]) => candidate!);
    const candidates = [...new Set(lines)].map((candidate) => ({ candidate, sdpMLineIndex: 0 }));
    return { sdp: sdp.replace(CANDIDATE_LINE, ''), candidates };
  }

  /** @returns the way through a relay; undefined for a candidate that is not UDP. */
  async through(candidate: Candidate): Promise<Candidate | undefined> {
    const matched = HOST_CANDIDATE.exec(candidate.candidate);
    if (matched === null) return undefined;
    const [, head, address, port, type] = matched;
    const relay = new UdpRelay(() => fateOf(this.faults, this.#nowMs(), Math.random));
    this.#relays.push(relay);
    const relayPort = await relay.open(address!, Number(port));
    return { ...candidate, candidate: `${head} 127.0.0.1 ${relayPort} ${type}` };
  }

  close(): void {
    for (const relay of this.#relays) relay.close();
  }
}

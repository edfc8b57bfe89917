/** One WHIP session (RFC 9725): the HTTP resource in front of a session of the registry. */
import { AvsacError, type ErrorCode, readError } from '../../shared/errors.ts';
import type { ServerMessage } from '../../shared/signalling.ts';
import { parseCandidate } from '../peer/ice-candidate.ts';
import { parseOffer } from '../peer/sdp-offer.ts';
import type { SessionClient, SessionHandle, SessionHost } from '../session/session-registry.ts';
import { fragmentOfAnswer, type IceCredentials, parseFragment, restartOffer } from './sdp-fragment.ts';

/** One being answered, one that waits. */
const MAX_RESTARTS = 2;
/** A candidate of any transport (RFC 8839 §5.1); those this server cannot use are passed over (RFC 9725 §4.3.2). */
const CANDIDATE_OF_ANY_KIND = /^\S+ \d+ \S+ \d+ \S+ \d+ typ \S+/;

/** What restarting ICE answers with. */
export interface Restarted {
  readonly fragment: string;
  readonly etag: string;
}

export class WhipSession implements SessionClient {
  readonly #session: SessionHandle;
  readonly #onEnd: (sessionId: string) => void;
  /** Answers asked for and not yet come, oldest first. */
  readonly #answers: PromiseWithResolvers<string>[] = [];
  #offer = '';
  #remote: IceCredentials | undefined;
  #iceSessions = 0;
  #end: AvsacError | undefined;
  readonly #ended = Promise.withResolvers<void>();

  /** @throws AvsacError `server-full`, `server-draining`, `server-starting` */
  constructor(host: SessionHost, onEnd: (sessionId: string) => void) {
    this.#onEnd = onEnd;
    this.#session = host.open(this, 'whip');
  }

  get sessionId(): string {
    return this.#session.sessionId;
  }

  /** Strong entity tag of the ICE session at the moment (RFC 9725 §4.3.1). */
  get etag(): string {
    return `"${this.sessionId}-${this.#iceSessions}"`;
  }

  /**
   * @param offer checked by {@link checkOffer}.
   * @returns the answer, with every candidate of the server.
   * @throws AvsacError with the session ended: `sdp-invalid`, `codec-unsupported`, `media-refused`
   */
  async publish(offer: string): Promise<string> {
    try {
      return await this.#negotiate(offer);
    } catch (error) {
      void this.close('offer-refused');
      throw error;
    }
  }

  /**
   * Takes candidates, or restarts ICE when the fragment brings new credentials.
   * @param ifMatch the If-Match header.
   * @returns undefined when there is nothing to answer but that it was taken.
   * @throws AvsacError `ice-session-unnamed`, `ice-session-outdated`, `sdp-fragment-invalid`, `candidate-invalid`,
   *   `ice-restart-conflict`; the ICE session goes on as it is.
   */
  async patch(ifMatch: string | undefined, body: string): Promise<Restarted | undefined> {
    this.#checkPrecondition(ifMatch);
    const { credentials, candidates } = parseFragment(body);
    const usable = candidates.filter(({ candidate }) => isUsable(candidate));
    if (credentials !== undefined && !isSame(credentials, this.#remote)) {
      if (this.#answers.length >= MAX_RESTARTS) throw new AvsacError('ice-restart-conflict');
      const answer = await this.#negotiate(restartOffer(this.#offer, credentials, usable));
      return { fragment: fragmentOfAnswer(answer), etag: this.etag };
    }
    for (const { mid, candidate } of usable) {
      const usernameFragment = this.#remote?.usernameFragment ?? null;
      this.#session.receive({ type: 'candidate', candidate: { candidate, sdpMid: mid, usernameFragment } });
    }
    return undefined;
  }

  /** Resolves when the session is over and its place is free. */
  close(reason: string): Promise<void> {
    this.#session.close(reason);
    return this.#ended.promise;
  }

  /** From the session. */
  send(message: ServerMessage): void {
    if (message.type === 'answer') this.#answers.shift()?.resolve(message.sdp);
    if (message.type === 'error') this.#answers.shift()?.reject(readError(message));
  }

  /** From the session. */
  ended(_reason: string, error: ErrorCode | undefined): void {
    this.#end = new AvsacError(error ?? 'session-unknown');
    for (const answer of this.#answers.splice(0)) answer.reject(this.#end);
    this.#onEnd(this.sessionId);
    this.#ended.resolve();
  }

  async #negotiate(offer: string): Promise<string> {
    if (this.#end !== undefined) throw this.#end;
    const answer = Promise.withResolvers<string>();
    this.#answers.push(answer);
    this.#session.receive({ type: 'offer', sdp: offer });
    const sdp = await answer.promise;
    this.#offer = offer;
    this.#remote = credentialsOf(offer);
    this.#iceSessions++;
    return sdp;
  }

  /** RFC 9110 §13.1.1. The RFC's own examples write the asterisk with quotation marks. */
  #checkPrecondition(ifMatch: string | undefined): void {
    if (ifMatch === undefined) throw new AvsacError('ice-session-unnamed');
    const tags = ifMatch.split(',').map((tag) => tag.trim());
    if (!tags.some((tag) => tag === '*' || tag === '"*"' || tag === this.etag)) {
      throw new AvsacError('ice-session-outdated', `the ICE session is ${this.etag}`);
    }
  }
}

/**
 * What WHIP asks of an offer beyond what every offer must be (RFC 9725 §4.2, §4.4.2).
 * @throws AvsacError `sdp-invalid`, `ingest-unsupported`
 */
export function checkOffer(offer: string): void {
  const media = parseOffer(offer).sections.filter(({ kind }) => kind === 'audio' || kind === 'video');
  for (const { kind, direction, mid } of media) {
    if (direction === 'recvonly' || direction === 'inactive') {
      throw new AvsacError('ingest-unsupported', `section ${mid} is ${direction}`);
    }
    if (media.filter((other) => other.kind === kind).length > 1) {
      throw new AvsacError('ingest-unsupported', `more than one ${kind} section`);
    }
  }
}

function credentialsOf(offer: string): IceCredentials | undefined {
  const section = parseOffer(offer).sections.find(({ port }) => port !== 0);
  return section && { usernameFragment: section.usernameFragment, password: section.password };
}

function isSame(a: IceCredentials, b: IceCredentials | undefined): boolean {
  return a.usernameFragment === b?.usernameFragment && a.password === b.password;
}

/** @throws AvsacError `candidate-invalid` */
function isUsable(candidate: string): boolean {
  try {
    parseCandidate(candidate);
    return true;
  } catch (error) {
    if (CANDIDATE_OF_ANY_KIND.test(candidate)) return false;
    throw error;
  }
}

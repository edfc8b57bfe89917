/** A session at a WHIP endpoint (RFC 9725), and the feed of its results. */
import { Value } from 'typebox/value';
import { AvsacError, asAvsacError, ERRORS, type ErrorCode, reasonOf } from '../shared/errors.ts';
import { type FeedLine, FeedLineSchema, RESULTS_RELATION } from '../shared/results.ts';

const ENDPOINT = 'whip';
const OFFER_MEDIA_TYPE = 'application/sdp';

export interface WhipServer {
  /** Of the server's root. */
  readonly url: string;
  readonly token: string | undefined;
}

export class WhipSession {
  readonly answer: string;
  readonly #url: string;
  readonly #results: string;
  readonly #headers: Readonly<Record<string, string>>;
  #closed = false;

  /** @throws AvsacError what the server said, or `server-unreachable` */
  static async open({ url, token }: WhipServer, offer: string): Promise<WhipSession> {
    const endpoint = new URL(ENDPOINT, url.endsWith('/') ? url : `${url}/`);
    const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` };
    const response = await request(endpoint, {
      method: 'POST',
      headers: { ...headers, 'content-type': OFFER_MEDIA_TYPE },
      body: offer,
    });
    const location = response.headers.get('location');
    const results = linkTo(RESULTS_RELATION, response.headers.get('link') ?? '');
    if (location === null || results === undefined) {
      throw new AvsacError('server-unreachable', `${endpoint.href} takes WHIP, but has no results feed`);
    }
    const at = (target: string) => new URL(target, endpoint).href;
    return new WhipSession(await response.text(), at(location), at(results), headers);
  }

  private constructor(answer: string, url: string, results: string, headers: Readonly<Record<string, string>>) {
    this.answer = answer;
    this.#url = url;
    this.#results = results;
    this.#headers = headers;
  }

  /** True when it was ended from here. */
  get closed(): boolean {
    return this.#closed;
  }

  /**
   * The lines of the results feed (docs/results-feed.md) until the session ends.
   * @param signal hangs up.
   * @throws AvsacError what the server said, or `server-unreachable`
   */
  async follow(signal: AbortSignal): Promise<AsyncGenerator<FeedLine>> {
    const headers = { ...this.#headers, accept: 'text/event-stream' };
    const { body } = await request(this.#results, { headers, signal });
    return feedLines(body!);
  }

  /** Idempotent. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await request(this.#url, { method: 'DELETE', headers: this.#headers });
  }
}

async function request(url: URL | string, init: RequestInit): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(url, init);
  } catch (cause) {
    const reason = cause instanceof Error && cause.cause !== undefined ? reasonOf(cause.cause) : reasonOf(cause);
    throw new AvsacError('server-unreachable', `${new URL(url).origin}: ${reason}`, { cause });
  }
  if (response.ok) return response;
  const text = await response.text();
  try {
    throw problemOf(JSON.parse(text));
  } catch (error) {
    if (error instanceof AvsacError) throw error;
    throw new AvsacError('server-unreachable', `${new URL(url).href} answered ${response.status}`);
  }
}

/** RFC 9457, as this project's servers write it: the type ends in the code. */
function problemOf({ code, detail }: { readonly code?: string; readonly detail?: string }): AvsacError {
  if (code === undefined || !Object.hasOwn(ERRORS, code)) throw new TypeError('no problem of this project');
  return new AvsacError(code as ErrorCode, detail);
}

/** RFC 8288 §3, as far as these servers use it. */
function linkTo(relation: string, link: string): string | undefined {
  for (const [, target, name] of link.matchAll(/<([^>]*)>; rel="([^"]*)"/g)) if (name === relation) return target;
  return undefined;
}

/** Server-Sent Events (HTML §9.2). */
export async function* feedLines(body: NonNullable<Response['body']>): AsyncGenerator<FeedLine> {
  let text = '';
  try {
    for await (const chunk of body.pipeThrough(new TextDecoderStream())) {
      text += chunk;
      const events = text.split('\n\n');
      text = events.pop()!;
      for (const event of events) {
        const data = /^data: (.*)$/m.exec(event)?.[1];
        if (data !== undefined) yield Value.Parse(FeedLineSchema, JSON.parse(data));
      }
    }
  } catch (cause) {
    throw asAvsacError(cause);
  }
}

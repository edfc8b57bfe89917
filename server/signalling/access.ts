/** Who may use WHIP and the results feeds: holders of a bearer token (RFC 6750), or without tokens this machine alone. */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import { AvsacError } from '../../shared/errors.ts';

const LOOPBACK_ADDRESS = /^(::1|(::ffff:)?127\.\d+\.\d+\.\d+)$/;
const LOOPBACK_NAME = /^(localhost|.+\.localhost|127\.\d+\.\d+\.\d+|\[::1\])$/;
/** What a proxy in front adds: its clients are elsewhere, though it is here. */
const FORWARDED_HEADERS = ['forwarded', 'x-forwarded-for', 'x-real-ip'];

const digest = (token: string): Buffer => createHash('sha256').update(token).digest();

/** The side of a request that decides. */
export type Visitor = Pick<FastifyRequest, 'headers' | 'ip' | 'hostname'>;

export class Access {
  readonly #digests: readonly Buffer[];

  /** @param tokens none: loopback only. */
  constructor(tokens: readonly string[]) {
    this.#digests = tokens.map(digest);
  }

  /** @throws AvsacError `token-missing`, `token-invalid`, `local-only` */
  check(visitor: Visitor): void {
    if (this.#digests.length === 0) {
      if (!isLocal(visitor)) throw new AvsacError('local-only');
      return;
    }
    const token = /^Bearer +(\S+)$/i.exec(visitor.headers.authorization ?? '')?.[1];
    if (token === undefined) throw new AvsacError('token-missing');
    const given = digest(token);
    if (!this.#digests.some((known) => timingSafeEqual(known, given))) throw new AvsacError('token-invalid');
  }

  /**
   * True when scripts of this origin may read the answers. A token is nothing that a browser sends by itself, so that with
   * tokens every origin may; being on this machine is, so that without tokens only pages of this machine may.
   */
  allowsOrigin(origin: string): boolean {
    return this.#digests.length > 0 || isLocalOrigin(origin);
  }
}

function isLocalOrigin(origin: string): boolean {
  return URL.canParse(origin) && LOOPBACK_NAME.test(new URL(origin).hostname);
}

/** A page from elsewhere in a browser of this machine is not local, nor one whose name was rebound to this address. */
function isLocal({ headers, ip, hostname }: Visitor): boolean {
  const direct = FORWARDED_HEADERS.every((name) => headers[name] === undefined);
  const ownPage = headers.origin === undefined || isLocalOrigin(headers.origin);
  return LOOPBACK_ADDRESS.test(ip) && LOOPBACK_NAME.test(hostname) && direct && ownPage;
}

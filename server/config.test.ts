import { describe, expect, it } from 'vitest';
import { AvsacError } from '../shared/errors.ts';
import { iceServersOf, OPTIONS, readConfig } from './config.ts';

describe('configuration', () => {
  it('has its defaults when nothing is given', () => {
    const config = readConfig({}, {});
    expect(config.port).toBe(8080);
    expect(config.maskRateHz).toBe(10);
    expect(config.providers).toEqual(['cuda', 'cpu']);
  });

  it('takes flags over variables over defaults', () => {
    expect(readConfig({ AVSAC_PORT: '9000' }, {}).port).toBe(9000);
    expect(readConfig({ AVSAC_PORT: '9000' }, { port: '9001' }).port).toBe(9001);
  });

  it('names every bad value with its range, in one error', () => {
    const read = () =>
      readConfig(
        {
          AVSAC_PORT: '70000',
          AVSAC_MASK_RATE_HZ: 'fast',
          AVSAC_PROVIDERS: 'cpu,abacus',
          AVSAC_UDP_PORTS: '9-1',
          AVSAC_POTR: '1',
        },
        { maxSessions: '0' },
      );
    expect(read).toThrow(AvsacError);
    for (const [name, range] of [
      ['AVSAC_PORT is "70000"', OPTIONS.port.range],
      ['AVSAC_MASK_RATE_HZ is "fast"', OPTIONS.maskRateHz.range],
      ['AVSAC_PROVIDERS is "cpu,abacus"', OPTIONS.providers.range],
      ['AVSAC_UDP_PORTS is "9-1"', OPTIONS.udpPorts.range],
      ['--max-sessions is "0"', OPTIONS.maxSessions.range],
    ]) {
      expect(read).toThrow(`${name}, allowed: ${range}`);
    }
    expect(read).toThrow('AVSAC_POTR is not a variable of this server');
  });

  it('reads TURN credentials out of the URL', () => {
    const config = readConfig({ AVSAC_ICE_SERVERS: 'stun:a.example:3478, turn:me:secret@b.example:3478' }, {});
    expect(iceServersOf(config)).toEqual([
      { urls: 'stun:a.example:3478' },
      { urls: 'turn:b.example:3478', username: 'me', credential: 'secret' },
    ]);
  });

  it('takes tokens, and never shows one', () => {
    expect(readConfig({ AVSAC_TOKENS: 'abcdefghijklmnop, AZaz09-._~+/1234==' }, {}).tokens).toEqual([
      'abcdefghijklmnop',
      'AZaz09-._~+/1234==',
    ]);
    for (const tokens of ['', 'short', 'abcdefghijklmnop,short', 'abcdefghijklmnop with spaces']) {
      const read = () => readConfig({ AVSAC_TOKENS: tokens }, {});
      expect(read).toThrow(`AVSAC_TOKENS is not what it may be, allowed: ${OPTIONS.tokens.range}`);
    }
  });
});

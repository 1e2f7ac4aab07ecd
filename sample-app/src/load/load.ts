import { type Server } from 'node:http';
import { Inject, Injectable, type OnModuleDestroy, Optional } from '@nestjs/common';
import { type AbstractHttpAdapter, HttpAdapterHost } from '@nestjs/core';
import { onAuthEvent, type TokenEvent } from 'nestjs-box-auth';
import { BoxConnections } from 'nestjs-box-auth/connections';
import { DemoUsers } from '../sign-in/demo-users.js';

export const CALLS_PER_SECOND = Symbol('CALLS_PER_SECOND');

/** A call of a user to a route of the portal. */
interface Call {
  readonly path: string;
  readonly user?: string;
}

/** The counts since the load began. */
export interface LoadState {
  readonly isRunning: boolean;
  readonly callsPerSecond: number;
  /** The calls that have a response. */
  readonly calls: number;
  readonly failures: number;
  /** The latest failure. */
  readonly latestFailure?: string;
  /** The calls to Box that were sent a second time, with a new token or after a pause. */
  readonly repeatedCalls: number;
  readonly tokenRequests: number;
}

const NO_CALLS = { calls: 0, failures: 0, repeatedCalls: 0, tokenRequests: 0 };

/** Calls the routes of the portal like its users do, at a steady rate, and counts the results. */
@Injectable()
export class Load implements OnModuleDestroy {
  #counts: Omit<LoadState, 'isRunning' | 'callsPerSecond'> = NO_CALLS;
  #timer: NodeJS.Timeout | undefined;
  #sent = 0;
  readonly #leaving = new AbortController();
  readonly #calls: readonly Call[];
  readonly #stops: readonly (() => void)[];

  constructor(
    private readonly adapterHost: HttpAdapterHost<AbstractHttpAdapter<Server>>,
    @Inject(CALLS_PER_SECOND) private readonly callsPerSecond: number,
    { names }: DemoUsers,
    @Optional() private readonly connections?: BoxConnections,
  ) {
    this.#calls = [
      { path: '/api/whoami' },
      ...['/api/me', '/api/tenant', '/api/me/direct', '/api/connection/items'].flatMap((path) =>
        names.map((user) => ({ path, user })),
      ),
    ];
    const onToken = ({ outcome }: TokenEvent) => {
      if (outcome !== 'shared') this.#count('tokenRequests');
    };
    this.#stops = [
      onAuthEvent('mint', onToken),
      onAuthEvent('renewal', onToken),
      onAuthEvent('forced-renewal', onToken),
      onAuthEvent('api-request', ({ repeatedAfter }) => {
        if (repeatedAfter !== undefined) this.#count('repeatedCalls');
      }),
    ];
  }

  get state(): LoadState {
    const { callsPerSecond } = this;
    return { isRunning: this.#timer !== undefined, callsPerSecond, ...this.#counts };
  }

  start(): void {
    this.stop();
    this.#counts = NO_CALLS;
    this.#timer = setInterval(() => void this.#next(), 1000 / this.callsPerSecond).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  onModuleDestroy(): void {
    this.stop();
    this.#leaving.abort();
    for (const stop of this.#stops) stop();
  }

  /** Sends the next call that is possible: only users with a connection have items in it. */
  async #next(): Promise<void> {
    const call = this.#calls[this.#sent++ % this.#calls.length];
    if (call === undefined) return;
    if (call.path.startsWith('/api/connection')) {
      const connection = await this.connections?.get(call.user ?? '');
      if (connection?.status !== 'active') return this.#next();
    }
    await this.#send(call);
  }

  async #send({ path, user }: Call): Promise<void> {
    const { signal } = this.#leaving;
    const headers = user === undefined ? {} : { 'x-demo-user': user };
    try {
      const response = await fetch(`${this.#url}${path}`, { headers, signal });
      await response.arrayBuffer();
      if (!response.ok) this.#fail(`${path}: ${response.status}`);
    } catch (error) {
      this.#fail(`${path}: ${String(error)}`);
    }
    this.#count('calls');
  }

  #fail(latestFailure: string): void {
    this.#counts = { ...this.#counts, latestFailure };
    this.#count('failures');
  }

  #count(name: keyof typeof NO_CALLS): void {
    if (this.#timer === undefined) return;
    this.#counts = { ...this.#counts, [name]: this.#counts[name] + 1 };
  }

  get #url(): string {
    const address = this.adapterHost.httpAdapter.getHttpServer().address();
    if (typeof address !== 'object' || address === null) return '';
    return `http://127.0.0.1:${address.port}`;
  }
}

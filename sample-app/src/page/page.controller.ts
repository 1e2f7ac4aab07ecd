import { readdirSync, readFileSync } from 'node:fs';
import {
  Controller,
  Get,
  Header,
  Inject,
  NotFoundException,
  Optional,
  Param,
  StreamableFile,
} from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import { type BreakableBox } from '../emulated-box/breakable-box.js';
import { BREAKABLE_BOX } from '../emulated-box/faults.controller.js';
import { DemoUsers, type SignedInUser } from '../sign-in/demo-users.js';

/** The origin where users can connect an account, or an empty string. */
export const CONNECTIONS_ORIGIN = Symbol('CONNECTIONS_ORIGIN');

/** The address of the other one of two processes. */
export const OTHER_PROCESS = Symbol('OTHER_PROCESS');

const FOLDER = new URL('assets/', import.meta.url);

const TYPES: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  css: 'text/css; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
};

const POLICY = [
  `default-src 'none'`,
  `connect-src 'self'`,
  `img-src data:`,
  `script-src 'self'`,
  `style-src 'self'`,
  `base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
].join('; ');

const assets = new Map(
  readdirSync(FOLDER).map((name) => [name, readFileSync(new URL(name, FOLDER))]),
);
const html = assets.get('index.html')?.toString() ?? '';

/** The page, and its modules and styles. It needs no build step. */
@ApiExcludeController()
@Controller()
export class PageController {
  readonly #page: string;

  constructor(
    users: DemoUsers,
    @Inject(CONNECTIONS_ORIGIN) origin: string,
    @Optional() @Inject(BREAKABLE_BOX) emulatedBox?: BreakableBox,
    @Optional() @Inject(OTHER_PROCESS) otherProcess?: string,
  ) {
    this.#page = html
      .replace('<!-- people -->', enterprisesOf(users).map(signInButtons).join('\n'))
      .replace('<!-- other process -->', linkTo(otherProcess))
      .replace('data-origin=""', `data-origin="${origin}"`)
      .replace('data-emulated=""', `data-emulated="${emulatedBox !== undefined}"`);
  }

  @Get()
  @Header('content-type', 'text/html; charset=utf-8')
  @Header('content-security-policy', POLICY)
  @Header('cache-control', 'no-cache')
  page(): string {
    return this.#page;
  }

  @Get('page/:name')
  @Header('cache-control', 'no-cache')
  @Header('x-content-type-options', 'nosniff')
  asset(@Param('name') name: string): StreamableFile {
    const content = assets.get(name);
    if (content === undefined) throw new NotFoundException();
    return new StreamableFile(content, { type: TYPES[name.split('.').at(-1) ?? ''] ?? '' });
  }
}

function linkTo(otherProcess: string | undefined): string {
  return otherProcess === undefined
    ? ''
    : `<p>This is one of two processes. <a href="${otherProcess}">The other process</a> has tokens in its own memory.</p>`;
}

interface Enterprise {
  readonly title: string;
  readonly users: readonly SignedInUser[];
}

/** The users by their enterprise, that of the credentials first. */
function enterprisesOf({ all, enterpriseIds }: DemoUsers): readonly Enterprise[] {
  return [undefined, ...enterpriseIds]
    .map((id) => ({
      title: id === undefined ? 'The enterprise of the app' : `Tenant ${id}`,
      users: all.filter(({ enterpriseId }) => enterpriseId === id),
    }))
    .filter(({ users }) => users.length > 0);
}

function signInButtons({ title, users }: Enterprise): string {
  const buttons = users.map(
    ({ name }) => `<button type="button" data-user="${name}" aria-pressed="false">${name}</button>`,
  );
  return `<div role="group" aria-label="${title}"><p>${title}</p>${buttons.join('\n')}</div>`;
}

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Controller, Get, Header, Inject } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import { DemoUsers } from '../sign-in/demo-users.js';

/** The origin where users can connect an account, or an empty string. */
export const CONNECTIONS_ORIGIN = Symbol('CONNECTIONS_ORIGIN');

const style = textOf('page.css');
const script = ['elements.js', 'connection.js', 'page.js'].map(textOf).join('');
const html = textOf('index.html')
  .replace('<!-- style -->', () => `<style>${style}</style>`)
  .replace('<!-- script -->', () => `<script>${script}</script>`);

const policy = [
  `default-src 'none'`,
  `connect-src 'self'`,
  `img-src data:`,
  `script-src ${hashOf(script)}`,
  `style-src ${hashOf(style)}`,
  `base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
].join('; ');

@ApiExcludeController()
@Controller()
export class PageController {
  readonly #page: string;

  constructor(users: DemoUsers, @Inject(CONNECTIONS_ORIGIN) origin: string) {
    this.#page = html
      .replace('<!-- people -->', users.names.map(signInButton).join('\n'))
      .replace('data-origin=""', `data-origin="${origin}"`);
  }

  @Get()
  @Header('content-type', 'text/html; charset=utf-8')
  @Header('content-security-policy', policy)
  page(): string {
    return this.#page;
  }
}

function signInButton(name: string): string {
  return `<button type="button" data-user="${name}" aria-pressed="false">${name}</button>`;
}

function textOf(file: string): string {
  return readFileSync(new URL(file, import.meta.url), 'utf8');
}

/** Allows the page's own script or style, and no other. */
function hashOf(content: string): string {
  return `'sha256-${createHash('sha256').update(content).digest('base64')}'`;
}

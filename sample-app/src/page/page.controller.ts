import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Controller, Get, Header } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import { DemoUsers } from '../sign-in/demo-users.js';

const html = readFileSync(new URL('index.html', import.meta.url), 'utf8');
const policy = [
  `default-src 'none'`,
  `connect-src 'self'`,
  `img-src data:`,
  `script-src ${hashOf('script')}`,
  `style-src ${hashOf('style')}`,
  `base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
].join('; ');

@ApiExcludeController()
@Controller()
export class PageController {
  readonly #page: string;

  constructor(users: DemoUsers) {
    this.#page = html.replace('<!-- people -->', users.names.map(signInButton).join('\n'));
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

/** The hash that allows the page's own script or style, and no other. */
function hashOf(element: 'script' | 'style'): string {
  const [, content = ''] = new RegExp(`<${element}>(.*?)</${element}>`, 's').exec(html) ?? [];
  return `'sha256-${createHash('sha256').update(content).digest('base64')}'`;
}

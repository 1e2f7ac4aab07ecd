import axios from 'axios';
import { BoxAuthError } from '../core/errors/box-auth.error.js';

export function attachedToAnotherApp(): BoxAuthError {
  return new BoxAuthError({
    code: 'option_invalid',
    message: 'This axios instance already carries the tokens of another app.',
    hint: 'Create an instance for each app, with axios.create().',
    docs: 'https://axios-http.com/docs/instance',
  });
}

export function unsafeAxios(): BoxAuthError {
  return new BoxAuthError({
    code: 'option_invalid',
    message: `axios ${axios.VERSION} sends the tokens of https calls to a proxy in clear text.`,
    hint: 'Install axios 1.16.1 or later.',
    docs: 'https://github.com/axios/axios/releases/tag/v1.16.1',
  });
}

import express from 'express';
import {
  boxAuth,
  boxAuthErrors,
  type BoxAuthMiddleware,
  type RequestBox,
} from 'nestjs-box-auth/express';
import { boxAuthInterceptor } from 'nestjs-box-auth/undici';
import { Agent } from 'undici';

const box: BoxAuthMiddleware = boxAuth({
  credentials: { configFile: 'config.json' },
  actingUser: (req) => req.get('x-demo-user'),
  via: 'token',
});

export const app = express();
app.use(box);
app.get('/me', (req, res, next) => {
  const own: RequestBox = req.box;
  own.fetch('/2.0/users/me').then(async (answer) => res.json(await answer.json()), next);
});
app.use(boxAuthErrors());

export const dispatcher = new Agent().compose(boxAuthInterceptor(box.provider));

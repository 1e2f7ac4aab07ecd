import express from 'express';
import { boxAuth, boxAuthErrors } from 'nestjs-box-auth/express';

const sessions = new Map([['session=of-alice', '11111']]); // replace it with your sign-in
const app = express();
app.use(boxAuth({ actingUser: (req) => sessions.get(req.get('cookie') ?? '') }));
app.get('/folders/:id/items', async (req, res) => {
  const response = await req.box.fetch(`/2.0/folders/${req.params.id}/items`);
  res.status(response.status).json(await response.json());
});
app.use(boxAuthErrors());
export const server = app.listen(process.env['PORT'] ?? 3000);

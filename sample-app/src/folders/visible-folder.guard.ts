import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import { BoxFetch, BoxTokenProvider } from 'nestjs-box-auth';
import { BoxIdPipe } from '../box/box-id.pipe.js';
import { responseOf } from '../box/box-response.js';
import { type PortalRequest } from '../sign-in/portal-request.js';

interface FolderRequest extends PortalRequest {
  readonly params: { readonly id?: string };
}

/**
 * Lets Box decide whether the signed-in user may see the folder. A handler that returns a stream cannot do that: its response
 * begins with a 200. Guards run before the decorators that choose the acting user, so this one names the user itself.
 */
@Injectable()
export class VisibleFolderGuard implements CanActivate {
  readonly #ids = new BoxIdPipe();

  constructor(
    private readonly box: BoxFetch,
    private readonly tokens: BoxTokenProvider,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const { user, params } = context.switchToHttp().getRequest<FolderRequest>();
    const id = this.#ids.transform(params.id);
    if (user === undefined) return false;
    const { boxId, enterpriseId: enterprise } = user;
    const read = () => responseOf(this.box(`/2.0/folders/${id}?fields=id`));
    const { body } =
      enterprise === undefined
        ? await this.tokens.runAs(boxId, read)
        : await this.tokens.runFor({ enterprise, user: boxId }, read);
    await body?.cancel();
    return true;
  }
}

import type { JsonObject } from '../../http/http-response.js';
import { boxError } from '../box-responses.js';
import type { ItemInDrive } from '../drive/drive-items.js';
import type { EmulatedDrive } from '../drive/emulated-drive.js';
import { ApiRefusal } from './api-route.js';

const CRITERIA = ['id', 'name', 'date', 'size'] as const;

/** Sorts as Box does: folders first, then by `sort` and `direction`, by default by name. */
export function sortItems(
  items: readonly ItemInDrive[],
  { searchParams }: URL,
  drive: EmulatedDrive,
): { readonly items: readonly ItemInDrive[]; readonly order: readonly JsonObject[] } {
  const requested = searchParams.get('sort') ?? 'name';
  const by = CRITERIA.find((criterion) => criterion === requested);
  const direction = (searchParams.get('direction') ?? 'ASC').toUpperCase();
  if (!by || (direction !== 'ASC' && direction !== 'DESC')) {
    throw new ApiRefusal(boxError(400, 'bad_request', 'Bad Request: sort or direction'));
  }
  const sign = direction === 'ASC' ? 1 : -1;
  const compare = {
    id: (a: ItemInDrive, b: ItemInDrive) => Number(a.id) - Number(b.id),
    name: (a: ItemInDrive, b: ItemInDrive) => a.name.localeCompare(b.name, 'en'),
    date: (a: ItemInDrive, b: ItemInDrive) => a.modified.atMs - b.modified.atMs,
    size: (a: ItemInDrive, b: ItemInDrive) => drive.sizeOf(a) - drive.sizeOf(b),
  }[by];
  return {
    items: items.toSorted((a, b) => b.type.localeCompare(a.type, 'en') || sign * compare(a, b)),
    order: [
      { by: 'type', direction: 'ASC' },
      { by, direction },
    ],
  };
}

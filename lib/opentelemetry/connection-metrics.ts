import { type Meter, ValueType } from '@opentelemetry/api';
import { onAuthEvent } from '../core/events/auth-channels.js';
import { sourceAttributes } from './event-attributes.js';

/** Records metrics about people's own accounts. Returns a function that stops it. */
export function recordConnectionMetrics(meter: Meter): () => void {
  const changes = meter.createCounter('box.connection.changes', {
    description: 'Connections that were made, refreshed, lost or removed.',
    unit: '{change}',
    valueType: ValueType.INT,
  });
  return onAuthEvent('connection', (event) =>
    changes.add(1, { ...sourceAttributes(event), 'box.connection.change': event.change }),
  );
}

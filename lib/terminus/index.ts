export { BoxConnectionsHealthIndicator } from './box-connections-health.indicator.js';
export { BoxHealthIndicator, type BoxHealthOptions } from './box-health.indicator.js';

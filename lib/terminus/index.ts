export { BoxHealthIndicator, type BoxHealthOptions } from './box-health.indicator.js';

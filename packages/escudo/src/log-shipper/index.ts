export { LogShipper } from './log-shipper.ts'
export type { LogFormat, LogShipperOptions } from './options.ts'

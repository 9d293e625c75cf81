// The package has no types.
declare module 'koa-pino-logger' {
  import type { Middleware } from 'koa'
  import type { DestinationStream } from 'pino'
  import type { Options } from 'pino-http'

  export default function koaPinoLogger(options: Options, stream: DestinationStream): Middleware
}

import { types } from 'node:util'
import type { Logger, LoggerOptions } from 'pino'
import { truncate } from '../errors/to-json.ts'
import { FieldWriter } from './lines/field-writer.ts'
import { internalsOf } from './pino-internals.ts'

/** The hook through which pino passes each line. */
export type LogMethod = NonNullable<NonNullable<LoggerOptions['hooks']>['logMethod']>

/** Whether the text of the line that is being logged is made. */
let isMade = false

/** Notes that the text of a line is made: what throws from now on is the destination. */
export function noteMade(): void {
  isMade = true
}

/**
 * Logs a line. pino reads some fields of a value itself. Where that throws, the value is written without pino. Where the
 * destination throws, the line is not written again: the destination may have written it.
 */
export function withoutThrowing(inner: LogMethod | undefined): LogMethod {
  return function logWithoutThrowing(this: Logger, args, method, level): void {
    // A mixin or a destination may log too.
    const isOuterMade = isMade
    isMade = false
    try {
      const safe = args.length > 1 ? withPlainParameters(args) : args
      if (inner === undefined) method.apply(this, safe as typeof args)
      else inner.call(this, safe as typeof args, method, level)
    } catch {
      if (!isMade) logUnreadable(this, args, method)
    } finally {
      isMade = isOuterMade
    }
  }
}

function logUnreadable(log: Logger, args: readonly unknown[], method: (...args: never) => void): void {
  const [first, second] = args
  const text = typeof second === 'string' ? second : typeof first === 'string' ? first : 'unloggable'
  try {
    // Written now, so that pino reads plain data only.
    const value: unknown = JSON.parse(new FieldWriter().value(first) ?? 'null')
    const fields = typeof value === 'object' && value !== null ? value : { value }
    method.apply(withoutMixin(log), [fields, truncate(text, 1_024)] as unknown as never)
  } catch {
    // A logged value, or a destination, must not break the code that logs.
  }
}

/** The logger without its mixin, which may be what threw. */
function withoutMixin(log: Logger): Logger {
  return Object.create(log, { [internalsOf(log, 'mixin').mixin]: { value: undefined } }) as Logger
}

/** Redacts the arguments after a message, such as `order` in `log.info('order %o', order)`. */
function withPlainParameters(args: readonly unknown[]): readonly unknown[] {
  const first = typeof args[0] === 'string' ? 1 : 2
  if (args.length <= first) return args
  return args.map((value, index) => {
    const isWritten = index >= first && (typeof value === 'string' || (typeof value === 'object' && value !== null))
    if (!isWritten) return value
    const plain: unknown = JSON.parse(new FieldWriter().value(value) ?? 'null')
    // `%s` writes an error as text.
    return types.isNativeError(value) && typeof plain === 'object' && plain !== null
      ? Object.defineProperty(plain, 'toString', { value: () => textOfError(plain) })
      : plain
  })
}

function textOfError({ type, message }: { readonly type?: unknown; readonly message?: unknown }): string {
  return `${String(type)}: ${String(message)}`
}

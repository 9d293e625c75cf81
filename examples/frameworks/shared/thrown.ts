// Values that a bug can throw. Each one is answered in the same way.
import { WellKnown } from 'escudo/errors'

const MAKERS: Readonly<Record<string, () => unknown>> = {
  error: () => new TypeError("Cannot read properties of undefined (reading 'password')"),
  string: () => 'a string with a password in it',
  null: () => null,
  undefined: () => undefined,
  number: () => 404,
  promise: () => Promise.resolve('a promise'),
  frozen: () => Object.freeze(new Error('frozen')),
  'cyclic-cause': cyclicCause,
  aggregate: () => new AggregateError([new Error('one'), 'two', null], 'several'),
  'status-200': () => Object.assign(new Error('fine?'), { status: 200, statusCode: 200 }),
  'status-999': () => Object.assign(new Error('what?'), { status: 999, statusCode: 999 }),
  'axios-401': axiosError,
  getter: throwingGetters,
  'huge-message': () => new Error('x'.repeat(1_048_576)),
}

/** The value that `GET /throw/:what` throws. */
export function thrownValue(what: string): unknown {
  const make = Object.hasOwn(MAKERS, what) ? MAKERS[what] : undefined
  return make === undefined ? new WellKnown.ROUTE_NOT_FOUND() : make()
}

function cyclicCause(): Error {
  const first = new Error('first')
  first.cause = new Error('second', { cause: first })
  return first
}

/** The form of axios' errors: it carries the status of another service, which must not become ours. */
function axiosError(): Error {
  const headers = { 'www-authenticate': 'Bearer realm="upstream"' }
  const response = { status: 401, headers, data: { token: 'secret' } }
  const facts = { isAxiosError: true, name: 'AxiosError', code: 'ERR_BAD_REQUEST', status: 401, statusCode: 401 }
  return Object.assign(new Error('Request failed with status code 401'), facts, { headers, response })
}

function throwingGetters(): Error {
  const error = new Error('getter')
  for (const key of ['message', 'name', 'stack', 'code', 'status', 'statusCode', 'headers', 'cause', 'expose']) {
    Object.defineProperty(error, key, {
      get: () => {
        throw new Error(`do not read ${key}`)
      },
    })
  }
  return error
}

import { isJson, type Json } from '../log-fields.ts'
import { CERTAIN_MS, CERTAIN_NS, CERTAIN_S, type JsonFormat, type SeenInFile } from './json-format.ts'
import { paths } from './paths.ts'

const isText = (value: unknown): value is string => typeof value === 'string'
const isNumber = (value: unknown): value is number => typeof value === 'number'
const isLower = (value: unknown): boolean => isText(value) && value !== '' && value === value.toLowerCase()
const isUpper = (value: unknown): boolean => isText(value) && /^[A-Z]{4,5}(?:[+-]\d+)?$/.test(value)

/** The JSON formats that are recognised by their keys. The first one that matches wins, so the specific ones are first. */
export const JSON_FORMATS: readonly JsonFormat[] = [
  {
    name: 'gelf',
    matches: (line) => isText(line['short_message']) && isText(line['version']) && line['host'] !== undefined,
    levels: 'syslog',
    names: {
      time: paths('timestamp'),
      service: paths('_service', '_app', '_service_name', 'host'),
      message: paths('short_message'),
      trace: paths('_trace_id', '_traceId'),
      span: paths('_span_id', '_spanId'),
      status: paths('_status', '_status_code', '_http_status', '_statusCode'),
      method: paths('_method', '_request_method'),
      path: paths('_path', '_uri', '_url'),
      pid: paths('_pid'),
    },
  },
  {
    name: 'ecs',
    matches: (line) => line['ecs.version'] !== undefined || isJson(line['ecs']) || isText(line['log.level']),
    latency: { paths: paths('event.duration'), rule: CERTAIN_NS },
    names: {
      time: paths('@timestamp'),
      level: paths('log.level'),
      message: paths('message'),
      trace: paths('trace.id'),
      // In ECS, `transaction.id` is the span of the request.
      span: paths('span.id', 'transaction.id'),
      code: paths('error.code', 'error.type'),
    },
  },
  {
    name: 'serilog',
    matches: (line) => isText(line['@t']),
    latency: { paths: paths('Elapsed'), rule: CERTAIN_MS },
    names: {
      time: paths('@t'),
      level: paths('@l'),
      service: paths('Application', 'ApplicationName', 'ServiceName', 'service.name'),
      message: paths('@m', '@mt'),
      trace: paths('@tr'),
      span: paths('@sp'),
      parent: paths('@ps'),
    },
    isRequest: isSerilogRequest,
  },
  {
    name: 'caddy',
    matches: (line) => isText(line['logger']) && line['logger'].startsWith('http.log') && isJson(line['request']),
    latency: { paths: paths('duration'), rule: CERTAIN_S },
    // The error line and the access line of a request both have its status.
    isRequest: (line) => isText(line['logger']) && line['logger'].startsWith('http.log.access'),
  },
  {
    name: 'traefik',
    matches: (line) => line['DownstreamStatus'] !== undefined && line['RequestMethod'] !== undefined,
    latency: { paths: paths('Duration'), rule: CERTAIN_NS },
    names: { service: paths('ServiceName', 'entryPointName'), time: paths('StartUTC', 'time') },
  },
  {
    name: 'envoy',
    matches: (line) =>
      line['response_flags'] !== undefined ||
      line['upstream_cluster'] !== undefined ||
      line['upstream_service_time'] !== undefined ||
      (isText(line['start_time']) && line['response_code'] !== undefined),
    latency: { paths: paths('duration'), rule: CERTAIN_MS },
  },
  {
    name: 'nginx',
    matches: (line) =>
      line['request_time'] !== undefined &&
      (isText(line['remote_addr']) ||
        isText(line['time_local']) ||
        isText(line['time_iso8601']) ||
        isText(line['request'])),
    latency: { paths: paths('request_time'), rule: CERTAIN_S },
    names: { service: paths('service', 'server_name') },
  },
  {
    name: 'google',
    matches: (line) => isJson(line['httpRequest']),
    names: {
      trace: paths('logging.googleapis.com/trace', 'trace'),
      span: paths('logging.googleapis.com/spanId', 'spanId'),
    },
    latency: { paths: paths('httpRequest.latency'), rule: CERTAIN_S },
  },
  {
    name: 'heroku-router',
    matches: (line) => line['dyno'] !== undefined && line['connect'] !== undefined && line['fwd'] !== undefined,
    latency: { paths: paths('service'), rule: CERTAIN_MS },
    names: { level: paths('at') },
  },
  {
    name: 'bunyan',
    matches: (line) => line['v'] === 0 && isNumber(line['level']) && isText(line['hostname']),
    latency: { paths: paths('latency', 'responseTime'), rule: CERTAIN_MS },
    levels: 'pino',
    names: { service: paths('service', 'name') },
  },
  {
    name: 'pino',
    matches: (line) =>
      isNumber(line['level']) &&
      line['time'] !== undefined &&
      (line['msg'] !== undefined || line['pid'] !== undefined || isJson(line['req']) || isJson(line['res'])),
    latency: { paths: paths('responseTime'), rule: CERTAIN_MS },
    levels: 'pino',
    names: { service: paths('service', 'service.name', 'name') },
    isRequest: isPinoRequest,
  },
  {
    name: 'winston',
    matches: (line) => isExpressMeta(line['meta']) && isText(line['message']),
    latency: { paths: paths('meta.responseTime'), rule: CERTAIN_MS },
    names: {
      status: paths('meta.res.statusCode'),
      method: paths('meta.req.method'),
      path: paths('meta.req.originalUrl', 'meta.req.url'),
    },
  },
  {
    name: 'lograge',
    matches: (line) => line['controller'] !== undefined && line['action'] !== undefined && line['method'] !== undefined,
    latency: { paths: paths('duration'), rule: CERTAIN_MS },
  },
  {
    name: 'echo',
    matches: (line) => line['latency_human'] !== undefined && line['latency'] !== undefined,
    latency: { paths: paths('latency'), rule: CERTAIN_NS },
  },
  {
    name: 'logstash',
    matches: (line) =>
      line['@timestamp'] !== undefined &&
      (line['@version'] !== undefined || line['level_value'] !== undefined) &&
      (line['logger_name'] !== undefined || line['thread_name'] !== undefined || line['requested_uri'] !== undefined),
    // The access log of Logback measures in milliseconds.
    latency: { paths: paths('elapsed_time'), rule: CERTAIN_MS },
    names: { time: paths('@timestamp'), path: paths('requested_uri', 'request_uri') },
  },
  {
    name: 'log4j',
    matches: (line) => isText(line['loggerName']) && (isJson(line['instant']) || line['timeMillis'] !== undefined),
    names: { time: paths('instant.epochSecond', 'timeMillis') },
  },
  {
    name: 'datadog',
    matches: (line) => isJson(line['dd']) || line['dd.trace_id'] !== undefined,
    names: { service: paths('dd.service', 'service'), trace: paths('dd.trace_id'), span: paths('dd.span_id') },
    bare: { unit: 'ns', confidence: 'likely', integers: 'always' },
  },
  {
    name: 'monolog',
    matches: (line) => isText(line['level_name']) && isText(line['channel']),
    names: { level: paths('level_name') },
  },
  {
    name: 'python',
    matches: (line) => isText(line['levelname']) || isText(line['asctime']),
    levels: 'python',
  },
  {
    name: 'structlog',
    // Its template for FastAPI measures with `perf_counter_ns`.
    matches: (line) =>
      isLower(line['level']) && isText(line['event']) && isJson(line['http']) && isJson(line['network']),
    latency: { paths: paths('duration'), rule: CERTAIN_NS },
    eventIsMessage: true,
  },
  {
    name: 'structlog',
    matches: (line) =>
      isLower(line['level']) && isText(line['event']) && line['msg'] === undefined && line['message'] === undefined,
    eventIsMessage: true,
  },
  {
    name: 'zap',
    matches: (line) => isLower(line['level']) && isText(line['msg']) && (isNumber(line['ts']) || isText(line['ts'])),
    bare: { unit: 's', confidence: 'likely', integers: 'sometimes' },
  },
  {
    name: 'slog',
    matches: (line) => isUpper(line['level']) && isText(line['msg']) && isText(line['time']),
    bare: { unit: 'ns', confidence: 'likely', integers: 'always' },
  },
  {
    name: 'logrus',
    matches: (line) => isLower(line['level']) && isText(line['msg']) && isText(line['time']),
    bare: { unit: 'ns', confidence: 'likely', integers: 'always' },
  },
  {
    name: 'zerolog',
    matches: (line) => isLower(line['level']) && line['time'] !== undefined && line['msg'] === undefined,
    bare: { unit: 'ms', confidence: 'likely' },
  },
  {
    name: 'winston',
    matches: (line) => isText(line['level']) && isText(line['message']) && isText(line['timestamp']),
  },
]

/** Any other JSON object. */
export const PLAIN_JSON: JsonFormat = { name: 'json', matches: () => true }

/** Fastify and pino-http write two or three lines for a request. The one with the response time counts it. */
function isPinoRequest(line: Json): boolean {
  if (!isJson(line['res'])) return true
  if (line['responseTime'] !== undefined) return true
  const isOfFastify = line['reqId'] !== undefined || line['err'] !== undefined
  return !isOfFastify || line['msg'] === 'request completed'
}

/** ASP.NET logs a status in several lines, and its own request log is about the same requests as Serilog's. */
function isSerilogRequest(line: Json, file: SeenInFile): boolean {
  const source = line['SourceContext']
  if (source === 'Serilog.AspNetCore.RequestLoggingMiddleware') {
    file.hasSerilogRequests = true
    return true
  }
  if (typeof source !== 'string' || !source.startsWith('Microsoft.AspNetCore.')) return true
  return source === 'Microsoft.AspNetCore.Hosting.Diagnostics' && !file.hasSerilogRequests
}

function isExpressMeta(meta: unknown): boolean {
  return isJson(meta) && isJson(meta['res'])
}

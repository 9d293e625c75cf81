/** A program that the tests build with Go and start. */
export interface Backend {
  readonly name: string
  /** The Go package, and the version of its module. */
  readonly package: string
  readonly version: string
  /** How it is built: `go install` refuses a module that replaces others, but builds it as a tool of an empty module. */
  readonly buildAs: 'program' | 'tool'
  /** How long its build takes at most. */
  readonly buildMsMax: number
  /** The arguments of the program that listens on `port` of loopback and keeps its data in `folder`. */
  readonly args: (port: number, folder: string) => readonly string[]
  /** Answers with 200 when the program is ready. */
  readonly readyPath: string
}

export const victoriaLogs: Backend = {
  name: 'victoria-logs',
  package: 'github.com/VictoriaMetrics/VictoriaLogs/app/victoria-logs',
  version: 'v1.52.1',
  buildAs: 'program',
  buildMsMax: 180_000,
  args: (port, folder) => [`-storageDataPath=${folder}`, `-httpListenAddr=127.0.0.1:${port}`, '-loggerLevel=ERROR'],
  readyPath: '/health',
}

/** It listens on its default ports. */
export const jaeger: Backend = {
  name: 'jaeger',
  package: 'github.com/jaegertracing/jaeger/cmd/jaeger',
  version: 'v1.76.0',
  buildAs: 'tool',
  // On two cores it took five minutes, and twenty while they were busy.
  buildMsMax: 1_800_000,
  args: () => [],
  readyPath: '/api/services',
}

/** The table of the backends, by name. */
export const backends: Readonly<Record<string, Backend>> = { [victoriaLogs.name]: victoriaLogs, [jaeger.name]: jaeger }

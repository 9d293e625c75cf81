/** The import rules of ARCHITECTURE.md, "Imports". `npm run check` runs them through tools/check/imports.ts. */

const SRC = '^packages/escudo/src'
const TEST = '/test/|\\.test\\.ts$|\\.test-d\\.ts$'
const STATE = `${SRC}/policies/[^/]+/state/`

/** A folder of the library may import itself and the listed folders, nothing else of the library. */
function layer(folder, allowed) {
  return {
    name: `${folder}-imports-${allowed.join('-') || 'nothing'}`,
    severity: 'error',
    comment: `${folder}/ may import ${allowed.join(', ') || 'nothing'} only.`,
    from: { path: `${SRC}/${folder}/`, pathNot: TEST },
    to: { path: SRC, pathNot: `${SRC}/(${[folder, ...allowed].join('|')})/` },
  }
}

/** @type {import('dependency-cruiser').IConfiguration} */
export default {
  forbidden: [
    {
      name: 'no-cycle',
      severity: 'error',
      comment: 'A cycle has no first file to read. Move what both need into a third file.',
      from: {},
      to: { circular: true },
    },
    {
      name: 'resolvable',
      severity: 'error',
      comment: 'The import leads nowhere.',
      from: {},
      to: { couldNotResolve: true },
    },
    {
      name: 'folder-is-a-layer',
      severity: 'error',
      comment:
        'Every folder of packages/escudo/src is a layer with a rule. Add the rule here and to ARCHITECTURE.md, or move the file.',
      from: {
        path: `${SRC}/(?!(errors|core|policies|http|undici|server|telemetry|log-shipper|fleet|testing)/|index\\.ts$)`,
      },
      to: {},
    },
    layer('errors', []),
    layer('core', ['errors']),
    layer('policies', ['errors', 'core']),
    layer('http', ['errors', 'core', 'policies']),
    layer('undici', ['errors', 'core', 'policies', 'http']),
    layer('server', ['errors', 'core', 'policies']),
    layer('telemetry', ['errors', 'core']),
    layer('log-shipper', ['errors', 'core', 'policies', 'http', 'telemetry']),
    layer('fleet', ['errors', 'core', 'policies']),
    layer('testing', ['errors', 'core']),
    {
      name: 'state-is-pure',
      severity: 'error',
      comment:
        'state/ decides and never waits: it imports nothing of core/engine, of core/context, or of the policy itself.',
      from: { path: STATE, pathNot: TEST },
      to: {
        path: SRC,
        pathNot: `${STATE}|${SRC}/errors/|${SRC}/core/(?!engine/|context/)|${SRC}/policies/shared/[^/]+\\.ts$`,
      },
    },
    {
      name: 'fleet-state-is-pure',
      severity: 'error',
      comment: 'fleet/state decides and never waits: it imports nothing of core/engine, of core/context, or of Redis.',
      from: { path: `${SRC}/fleet/state/`, pathNot: TEST },
      to: { path: SRC, pathNot: `${SRC}/fleet/state/|${SRC}/errors/|${SRC}/core/(?!engine/|context/)` },
    },
    {
      name: 'policies-meet-in-shared',
      severity: 'error',
      comment:
        'A policy imports no other policy: what two of them need lies in policies/shared. standard-shield composes the others.',
      from: { path: `${SRC}/policies/([^/]+)/`, pathNot: `${TEST}|${SRC}/policies/standard-shield/` },
      to: { path: `${SRC}/policies/`, pathNot: `${SRC}/policies/($1|shared)/` },
    },
    {
      name: 'shared-imports-no-policy',
      severity: 'error',
      comment: 'policies/shared knows no policy.',
      from: { path: `${SRC}/policies/shared/`, pathNot: TEST },
      to: { path: `${SRC}/policies/`, pathNot: `${SRC}/policies/shared/` },
    },
    {
      name: 'index-is-the-top',
      severity: 'error',
      comment: 'Nothing inside the library imports its index.',
      from: { path: SRC, pathNot: TEST },
      to: { path: `${SRC}/index\\.ts$` },
    },
    {
      name: 'library-imports-itself-only',
      severity: 'error',
      comment: 'packages/escudo knows no other folder of the repository.',
      from: { path: '^packages/escudo/' },
      to: { path: '^(packages|examples|tools|bench|test|docs)/', pathNot: '^packages/escudo/' },
    },
    {
      name: 'library-has-no-dependencies',
      severity: 'error',
      comment: 'Only server/, telemetry/ and undici/ import packages: the optional peers.',
      from: { path: SRC, pathNot: `${TEST}|${SRC}/(server|telemetry|undici)/` },
      to: { dependencyTypes: ['npm', 'npm-dev', 'npm-optional', 'npm-peer', 'npm-no-pkg', 'npm-unknown'] },
    },
    {
      name: 'peers-only',
      severity: 'error',
      comment: 'server/, telemetry/ and undici/ import the packages that users install, as package.json lists them.',
      from: { path: `${SRC}/(server|telemetry|undici)/`, pathNot: TEST },
      to: {
        path: 'node_modules',
        pathNot:
          'node_modules/(fastify|@fastify/swagger|hono|express|@types/express|koa|@types/koa|@nestjs/common|@nestjs/core|rxjs|pino|rotating-file-stream|@opentelemetry/api|undici)/',
      },
    },
    {
      name: 'any-runtime',
      severity: 'error',
      comment:
        'errors, core, policies and http run on every runtime with web standards: look node: modules up at run time.',
      from: { path: `${SRC}/(errors|core|policies|http|index\\.ts)`, pathNot: TEST },
      to: { dependencyTypes: ['core'], dynamic: false },
    },
    {
      name: 'use-public-subpaths',
      severity: 'error',
      comment: 'Examples, packages, tools and docs use the library as users do: `escudo` or a public subpath.',
      from: { path: '^(examples|packages|tools|docs)/', pathNot: '^packages/escudo/' },
      to: { path: '^packages/escudo/', dependencyTypes: ['local'], dependencyTypesNot: ['aliased-workspace'] },
    },
    {
      name: 'library-knows-no-tool',
      severity: 'error',
      comment: 'Tools and tests are leaves: no source imports them.',
      from: { path: '^(packages|examples)/', pathNot: TEST },
      to: { path: '^(tools|test|bench)/' },
    },
    {
      name: 'sources-import-no-test',
      severity: 'error',
      comment: 'A source never imports from a test/ folder.',
      from: { path: '^(packages|examples)/', pathNot: TEST },
      to: { path: TEST },
    },
  ],
  options: {
    parser: 'swc',
    tsPreCompilationDeps: true,
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '/dist/|packages/dashboard/page/vite\\.config' },
    exoticRequireStrings: [],
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['@escudo/source', 'import', 'node', 'default', 'types'],
      extensions: ['.ts', '.tsx', '.mjs', '.js', '.d.ts'],
      mainFields: ['module', 'main', 'types'],
    },
  },
}

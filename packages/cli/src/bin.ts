#!/usr/bin/env node
// The command `escudo`.
import { COMMANDS } from './commands.ts'
import { runCommandLine } from './run-command-line.ts'

// A closed pipe (`escudo --help | head`) must not print a stack trace.
process.stdout.on('error', () => {})
process.stderr.on('error', () => {})

// A variable that is set and not empty: https://no-color.org.
const hasColor = !process.env['NO_COLOR'] && process.env['TERM'] !== 'dumb'

process.exitCode = await runCommandLine(process.argv.slice(2), COMMANDS, {
  out: (text) => void process.stdout.write(text),
  err: (text) => void process.stderr.write(text),
  terminal: process.stdout.isTTY
    ? { columns: () => process.stdout.columns, rows: () => process.stdout.rows, hasColor }
    : undefined,
})

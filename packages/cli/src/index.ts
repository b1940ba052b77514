export { type CliIo, processIo } from './cli-io.ts'
export { exitCodes } from './output/exit-codes.ts'
export { main, runCli } from './run-cli.ts'

import { answerCalls } from './calls.ts'
import { createRack } from './rack.ts'

answerCalls(createRack())

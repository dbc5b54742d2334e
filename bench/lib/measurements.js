// All measurements, in the order in which they run and are shown.

import * as write from '../measure/write.js';
import * as writers from '../measure/writers.js';
import * as bytes from '../measure/bytes.js';
import * as instructions from '../measure/instructions.js';
import * as catchup from '../measure/catchup.js';
import * as curves from '../measure/curves.js';
import * as latency from '../measure/latency.js';
import * as slow_disk from '../measure/slow_disk.js';
import * as throughput from '../measure/throughput.js';
import * as idle from '../measure/idle.js';
import * as profile from '../measure/profile.js';

/**
 * Name → {title, run, tables, settings}. `run({stand, repetitions, quick})` resolves with the figures, an object with `rows`;
 * `tables(figures)` makes {name, caption, columns, rows} of it. Where there, `settings` are the server's, and `unavailable()` says why
 * this machine cannot measure it.
 */
export const MEASUREMENTS = { write, writers, slow_disk, bytes, instructions, catchup, curves, latency, throughput, idle, profile };

// Headless Chromium, told to talk to nobody but the test.

import { chromium } from 'playwright-core';

const FLAGS = [
	'--no-sandbox',
	'--disable-gpu',
	'--disable-quic',
	'--no-first-run',
	'--disable-background-networking',
	'--disable-component-update',
	'--disable-sync',
];

export function launchBrowser() {
	return chromium.launch({
		executablePath: process.env.LOCKSTEP_CHROMIUM || '/usr/bin/chromium',
		headless: true,
		args: FLAGS,
	});
}

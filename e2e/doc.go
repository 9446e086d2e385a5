// Package e2e tests the built site, the engine and the kernels in headless Chromium, and what browsers differ in in Firefox.
// It has only tests.
package e2e

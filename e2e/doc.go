// Package e2e tests the built site, the engine and the kernels in headless Chromium, and what browsers differ in in Firefox and WebKit.
// It has only tests. They run beside each other, three at a time in ./build.sh test, but for those that measure time or
// memory, or fill the machine by themselves.
package e2e

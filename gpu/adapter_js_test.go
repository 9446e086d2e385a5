package gpu

// In a browser the tests have an adapter or fail: without one they would pass by doing nothing.
const adapterRequired = true

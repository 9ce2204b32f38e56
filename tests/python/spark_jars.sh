#!/usr/bin/env bash
# usage: spark_jars.sh FOLDER     Makes FOLDER/spark-VERSION/*.jar: what the Spark of PySpark's wheels lacks to use S3 (hadoop-aws,
# the SDK below it, Spark's bindings for S3A's committers); nothing to do for what is there. The versions are those that the Hadoop
# inside each wheel asks for.
#
# From Maven Central: by mvn where there is one, so that its settings (a mirror, a proxy) hold; otherwise over HTTPS. Either way a
# jar counts only when it has the SHA-256 that is written here.
set -euo pipefail
folder=${1:?usage: spark_jars.sh FOLDER}
mkdir -p "$folder"
folder=$(cd "$folder" && pwd)

jars() {
    cat <<'LIST'
spark-3.5.1 org.apache.hadoop:hadoop-aws:3.3.4 53f9ae03c681a30a50aa17524bd9790ab596b28481858e54efd989a826ed3a4a
spark-3.5.1 com.amazonaws:aws-java-sdk-bundle:1.12.262 873fe7cf495126619997bec21c44de5d992544aea7e632fdc77adb1a0915bae5
spark-3.5.1 org.apache.spark:spark-hadoop-cloud_2.12:3.5.1 3f93b4b2e99951edbf2ad2fad895c7982f17abe45bc08f29fc4df31f6f12335f
spark-4.1.2 org.apache.hadoop:hadoop-aws:3.4.2 d2d24e6b715b5656b9d238bf13b6682a07e2004dd36aad74a73aeb854319f4d9
spark-4.1.2 software.amazon.awssdk:bundle:2.29.52 62638f33045690c6bc5e496b54b0b2e89a9ad38cbedacdf6e017fea6bc85f55c
spark-4.1.2 org.apache.spark:spark-hadoop-cloud_2.13:4.1.2 672d7d872f434cb7fe1c90f7edcd19b1e8c67a335a578288426fbd4db5096915
LIST
}

# fetch GROUP NAME VERSION FOLDER: FOLDER/NAME-VERSION.jar
fetch() {
    if command -v mvn >/dev/null; then
        mvn -B -q dependency:copy -Dartifact="$1:$2:$3" -DoutputDirectory="$4" && return 0
    fi
    curl -fsSL --retry 3 --connect-timeout 20 -o "$4/$2-$3.jar" "https://repo1.maven.org/maven2/${1//.//}/$2/$3/$2-$3.jar"
}

scratch=$(mktemp -d "$folder/.fetch-XXXXXX")
trap 'rm -rf "$scratch"' EXIT
while read -r spark artifact sum <&3; do
    IFS=: read -r group name version <<<"$artifact"
    jar=$name-$version.jar
    [ ! -f "$folder/$spark/$jar" ] || continue
    fetch "$group" "$name" "$version" "$scratch"
    printf '%s  %s\n' "$sum" "$scratch/$jar" | sha256sum --check --quiet ||
        { printf 'spark_jars.sh: %s is not the file it should be\n' "$artifact" >&2; exit 1; }
    mkdir -p "$folder/$spark"
    mv "$scratch/$jar" "$folder/$spark/$jar" # whole or not at all
done 3< <(jars)

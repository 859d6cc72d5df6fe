#!/usr/bin/env bash
# PrairieLearn runs this in a container of its own for every submission to one question, whose number it is told.
set -e
cd "$(dirname "$0")"
grade=$(realpath ../..)
python3 -m zipfile -e @wheel@ "$grade/grader"
mkdir -p "$grade/results"
chmod -R go= "$grade/grader/miniclip/learn/specs" "$grade/serverFilesCourse"  # not for a learner's code
PYTHONPATH="$grade/grader" exec python3 -m miniclip.classroom.autograde "$1" --format prairielearn \
    --submission "$grade/student" --out "$grade/results/results.json"

# shellcheck shell=bash
# Shared by the scripts. Source it from the root of the repository.

# Debian 12. python3-* only draw pictures and check files in tests.
packages=(
  build-essential cmake ninja-build libtbb-dev libopenmpi-dev openmpi-bin libeigen3-dev libhdf5-dev hdf5-tools libgtest-dev
  libtomlplusplus-dev libcli11-dev libfmt-dev nlohmann-json3-dev librandom123-dev libxxhash-dev zlib1g-dev
  python3-h5py python3-matplotlib python3-numpy python3-xarray python3-h5netcdf procps
)

# Installs the missing packages, and nothing else.
install_packages() {
  local missing=() package
  for package in "${packages[@]}" "$@"; do
    dpkg-query --show --showformat='${Status}' "$package" 2> /dev/null | grep -q "install ok installed" || missing+=("$package")
  done
  [[ ${#missing[@]} -eq 0 ]] && return
  echo "== installing: ${missing[*]}"
  local as_root=()
  if [[ $(id -u) -ne 0 ]]; then
    if ! command -v sudo > /dev/null; then
      echo "missing packages: ${missing[*]}; install them as root: apt-get install ${missing[*]}" >&2
      exit 1
    fi
    as_root=(sudo)
  fi
  "${as_root[@]}" apt-get update --quiet
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install --yes --quiet --no-install-recommends "${missing[@]}"
}

# configure_and_build FOLDER [cmake options] [-- build options]
configure_and_build() {
  local folder=$1 configure=() build=()
  shift
  while [[ $# -gt 0 && $1 != -- ]]; do configure+=("$1"); shift; done
  [[ ${1:-} == -- ]] && shift
  build=("$@")
  cmake -S . -B "$folder" -G Ninja "${configure[@]}"
  cmake --build "$folder" "${build[@]}"
}

# mpirun refuses to run as root unless both variables are set; in containers root is often the only user.
if [[ $(id -u) -eq 0 ]]; then
  export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
fi
